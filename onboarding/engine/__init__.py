"""The only code that joins the rules, the database and Graph."""
