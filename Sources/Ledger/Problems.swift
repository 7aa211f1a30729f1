package import Postgres
package import Vocabulary

/// Opening and closing problems. Not in a commit: there they would take locks in any order.
package enum Problems {
    /// Opens the problem, or counts it again where it is open. At most one is open for each kind and subject, however
    /// many agents meet it; ``Problem/isNew`` says whether this call opened it.
    package static func open(
        kind: String, subject: String, reference: String? = nil, what: String, hint: String? = nil,
        in session: Session
    ) throws -> Problem {
        let row = try session.first(
            """
            insert into takeup.problem as standing (kind, subject, reference, what, hint) values ($1, $2, $3, $4, $5)
            on conflict (kind, subject) where closed_at is null do update set
                count = standing.count + 1, last_at = statement_timestamp(), reference = excluded.reference,
                what = excluded.what, hint = excluded.hint
            returning \(Problem.columns.text(of: "standing"))
            """, [.text(kind), .text(subject), Value(reference), .text(what), Value(hint)])
        guard let row else { preconditionFailure("an insert that updates on conflict returned no row") }
        return try Problem(row)
    }

    /// It is over. Nil where it was not open.
    @discardableResult
    package static func close(kind: String, subject: String, in session: Session) throws -> Problem? {
        try session.first(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where kind = $1 and subject = $2 and closed_at is null
            returning \(Problem.columns.text(of: "problem"))
            """, [.text(kind), .text(subject)]
        ).map(Problem.init)
    }

    /// Closes those of a kind whose subject begins with `prefix`: all that hung on one cause.
    @discardableResult
    package static func close(
        kind: String, subjectPrefix prefix: String, except kept: Set<String> = [], in session: Session
    ) throws -> [Problem] {
        try session.query(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.problem
                where kind = $1 and starts_with(subject, $2) and subject <> all($3::text[]) and closed_at is null
                order by id for no key update))
            returning \(Problem.columns.text(of: "problem"))
            """, [.text(kind), .text(prefix), .texts(Array(kept))]
        ).map(Problem.init)
    }

    /// What was open of these kinds about recordings is over.
    @discardableResult
    package static func close(
        kinds: [String], recordings: some Sequence<RecordingReference>, in session: Session
    ) throws -> [Problem] {
        try session.query(
            """
            update takeup.problem set closed_at = statement_timestamp()
            where id = any (array(
                select id from takeup.problem
                where closed_at is null and kind = any($1::text[]) and reference = any($2::text[])
                order by id for no key update))
            returning \(Problem.columns.text(of: "problem"))
            """, [.texts(kinds), .texts(recordings.map(\.description))]
        ).map(Problem.init)
    }

    /// Recordings of a source (`couples.id` there) with open problems of these kinds; any of them, where there are more.
    package static func recordings(
        of source: SourceName, kinds: [String], limit: Int, in session: Session
    ) throws -> Set<Int64> {
        let rows = try session.query(
            """
            select reference from (
                select distinct reference from takeup.problem
                where closed_at is null and kind = any($1::text[]) and starts_with(reference, $2)
            ) as troubled
            order by random() limit $3
            """, [.texts(kinds), .text("\(source)/"), Value(limit)])
        return Set(try rows.compactMap { Int64(try $0.text("reference").dropFirst(source.rawValue.count + 1)) })
    }

    /// The oldest first.
    package static func open(limit: Int, in session: Session) throws -> [Problem] {
        try session.query(
            """
            select \(Problem.columns.text(of: "problem")) from takeup.problem
            where closed_at is null order by opened_at, id limit $1
            """, [Value(limit)]
        ).map(Problem.init)
    }

    /// The newest first.
    package static func newest(limit: Int, in session: Session) throws -> [Problem] {
        try session.query(
            """
            select \(Problem.columns.text(of: "problem")) from takeup.problem
            where closed_at is null order by opened_at desc, id desc limit $1
            """, [Value(limit)]
        ).map(Problem.init)
    }

    /// Open problems of a recording (`source/id`).
    package static func open(reference: RecordingReference, in session: Session) throws -> [Problem] {
        try session.query(
            """
            select \(Problem.columns.text(of: "problem")) from takeup.problem
            where closed_at is null and reference = $1 order by id
            """, [.text(reference.description)]
        ).map(Problem.init)
    }

    /// Forgets problems that were closed long ago.
    @discardableResult
    package static func forget(closedFor age: Duration, in session: Session) throws -> Int {
        try session.execute(
            "delete from takeup.problem where closed_at < statement_timestamp() - $1::interval", [Value(age)])
    }
}
