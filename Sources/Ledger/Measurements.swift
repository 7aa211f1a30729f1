package import Planning
package import Postgres
package import Vocabulary

/// What was measured of one media file, while its row said what the fingerprint is of.
package struct Measurement: Hashable, Sendable {
    package enum Subject: Hashable, Sendable {
        case source(MediaOrigin)
        /// A media row of the replay.
        case replay(Int64)
    }

    package var subject: Subject
    /// 1 to 64 bytes.
    package var fingerprint: [UInt8]
    package var measure: MediaMeasure
    package init(subject: Subject, fingerprint: [UInt8], measure: MediaMeasure) {
        self.subject = subject
        self.fingerprint = fingerprint
        self.measure = measure
    }
}

/// Measures of media files that compete. Made once for a file; of another file in the same row they say nothing.
package enum Measurements {
    package static func record(_ measurements: [Measurement], in session: Session) throws {
        if measurements.isEmpty { return }
        let places = Dictionary(
            measurements.map { ($0.subject, $0) }, uniquingKeysWith: { _, last in last }
        ).values
        try session.execute(
            """
            insert into takeup.measurement (place, media_id, fingerprint, integrity, length_us, size)
            select * from unnest($1::text[], $2::bigint[], $3::bytea[], $4::text[], $5::bigint[], $6::bigint[])
                as given(place, media, fingerprint, integrity, length, size)
            order by place collate "C", media
            on conflict (place, media_id) do update set fingerprint = excluded.fingerprint,
                integrity = excluded.integrity, length_us = excluded.length_us, size = excluded.size,
                measured_at = statement_timestamp()
            """,
            [
                .texts(places.map(\.subject.place)), .integers(places.map(\.subject.mediaID)),
                .byteStrings(places.map(\.fingerprint)), .texts(places.map(\.measure.integrity.rawValue)),
                .integers(places.map { $0.measure.length?.wholeMicroseconds }), .integers(places.map(\.measure.size)),
            ])
    }

    package static func find(
        _ subjects: some Sequence<Measurement.Subject>, in session: Session
    ) throws -> [Measurement.Subject: Measurement] {
        let subjects = Array(Set(subjects))
        if subjects.isEmpty { return [:] }
        let rows = try session.query(
            """
            select measurement.* from takeup.measurement
            join unnest($1::text[], $2::bigint[]) as wanted(place, media)
                on measurement.place = wanted.place and measurement.media_id = wanted.media
            """, [.texts(subjects.map(\.place)), .integers(subjects.map(\.mediaID))])
        let found = try rows.map(Measurement.init)
        return Dictionary(found.map { ($0.subject, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Other files stand in these media rows of the replay from now on, or none.
    package static func forget(replayMedia ids: some Sequence<Int64>, in session: Session) throws {
        let ids = Array(ids)
        if ids.isEmpty { return }
        try session.execute(
            "delete from takeup.measurement where place = '' and media_id = any($1::bigint[])", [.integers(ids)])
    }

    /// What these transfers were to measure is on record: they are done, and their recordings are to be looked at again.
    /// Claims that are no longer held change nothing.
    package static func finish(_ claims: [Claim<Transfer.ID>], in session: Session) throws {
        let rows = try session.query(
            """
            with held as (\(Transfers.heldClaims))
            update takeup.transfer set state = 'done', holder = null, lease_until = null, last_error = null,
                missing_since = null, unreadable_since = null, changed_at = statement_timestamp()
            from held where transfer.id = held.id
            returning transfer.source, transfer.source_id
            """, claims.values)
        let references = try rows.map {
            RecordingReference(source: try $0.name("source"), id: try $0.integer("source_id"))
        }
        try Sightings.reopen(references, in: session)
        for source in Set(references.map(\.source)) { try WorkChannel.notify(look: source, in: session) }
    }
}

extension Measurement {
    fileprivate init(_ row: Row) throws {
        let place = try row.text("place")
        let media = try row.integer("media_id")
        self.init(
            subject: place.isEmpty ? .replay(media) : .source(MediaOrigin(source: SourceName(place), mediaID: media)),
            fingerprint: try row.bytes("fingerprint"),
            measure: MediaMeasure(
                integrity: try row.word("integrity"), length: try row.optionalSpan("length_us"),
                size: try row.optionalInteger("size")))
    }
}

extension Measurement.Subject {
    /// Of the replay's own: no source has an empty name.
    fileprivate var place: String {
        switch self {
        case .source(let origin): origin.source.rawValue
        case .replay: ""
        }
    }
    fileprivate var mediaID: Int64 {
        switch self {
        case .source(let origin): origin.mediaID
        case .replay(let id): id
        }
    }
}
