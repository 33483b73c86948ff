"""What was kept before? One database for the registry, and for all that comes after.

`database` opens it and brings its tables up to date; `tables` says what they are; `sql`
has the verbs. A further table is a migration in `migrations/versions/`, a `Table` in
`tables`, and verbs of its own beside `sql`.
"""
