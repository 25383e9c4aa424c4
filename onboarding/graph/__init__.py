"""Meta's Graph API: requests and answers (pure), what a refusal means, and one small client.

Import the module you need (``onboarding.graph.requests``, ``.responses``, ``.client`` ...); only
``loop`` and ``transport`` load an HTTP library.
"""
