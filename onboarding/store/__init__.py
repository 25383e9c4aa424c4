"""The database: SQLAlchemy Core; every function takes a connection, and none commits."""
