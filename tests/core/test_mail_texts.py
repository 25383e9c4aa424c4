"""What a message of a mailbox says: the numbers in it, and its text, whatever it looks like."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.core.codes import parse_code
from onboarding.core.mail_texts import read_mail
from onboarding.errors import InputError

BERLIN = "493012345671"


def mail(
    text: str = "WhatsApp code 123-830",
    *,
    to: str = "codes@example.com",
    subject: str = "SMS",
    sender: str = "gateway@example.net",
    html: str | None = None,
) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"] = "Mon, 02 Mar 2026 09:00:00 +0000"
    message.set_content(text)
    if html is not None:
        message.clear_content()
        message.set_content(html, subtype="html")
    return message.as_bytes()


@pytest.mark.parametrize(
    "raw",
    [
        mail(to="493012345671@sms.example.com"),
        mail(to='"+49 30 12345671" <codes@example.com>'),
        mail(subject="New SMS for +49 (30) 1234-5671"),
        mail(subject="Voicemail: 0049 30 12345671"),
        mail("To: +493012345671\nFrom: 32665\n\nWhatsApp code 123-830"),
        mail(html="<p>SMS for <b>+49&nbsp;30&nbsp;12345671</b></p><p>WhatsApp code 123-830</p>"),
        mail("WhatsApp code 123-830", subject="Nachricht f\u00fcr +49 30 12345671"),
    ],
)
def test_the_number_and_the_code_are_found(raw: bytes) -> None:
    found = read_mail(raw)
    assert BERLIN in found.numbers
    assert parse_code(found.text) == "123830"


def test_the_sender_s_number_is_not_the_one_that_it_is_for() -> None:
    assert read_mail(mail(sender="+16315551000@sms.example.com")).numbers == ()


def test_what_is_not_shown_is_not_read() -> None:
    html = "<style>.c123830{}</style><script>var x = 555123</script><p>WhatsApp code 123-830</p>"
    assert parse_code(read_mail(mail(html=html)).text) == "123830"


def test_every_number_is_a_candidate_and_no_code_is() -> None:
    found = read_mail(mail("+493012345671 called +4915112345678: WhatsApp code 123-830"))
    assert set(found.numbers) == {BERLIN, "4915112345678"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"Content-Type: text/plain; charset=nonsense\n\nhello",
        b"Content-Type: multipart/mixed; boundary=x\n\n--x\n",
        b"Subject: =?utf-8?b?!!!?=\n\n",
        b'To: "unclosed <\n\nWhatsApp',
    ],
)
def test_a_message_that_is_broken_gives_no_code(raw: bytes) -> None:
    with pytest.raises(InputError):
        parse_code(read_mail(raw).text)


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_error(raw: bytes) -> None:
    assert isinstance(read_mail(b"Subject: x\nTo: y\n" + raw).text, str)


def test_its_text_shows_in_no_repr() -> None:
    assert "123" not in repr(read_mail(mail()))
