package import Postgres
package import Vocabulary

/// A mark to set, and what must still be true of the recording.
package struct MarkRequest: Hashable, Sendable {
    /// `couples.id`.
    package var id: Int64
    package var mark: Mark
    /// The mark that stood when the recording was looked at.
    package var standing: Mark?
    /// Of the rows that were looked at, and whose media and metadata are durable on the replay.
    package var fingerprint: Fingerprint
    package init(id: Int64, mark: Mark, standing: Mark? = nil, fingerprint: Fingerprint) {
        self.id = id
        self.mark = mark
        self.standing = standing
        self.fingerprint = fingerprint
    }
}

package enum MarkOutcome: Hashable, Sendable {
    case marked
    /// Another mark than the one that stood: others set it, or we did and the answer was lost.
    case alreadyMarked(Mark)
    /// The rows are not what was looked at; no mark. What they are now.
    case changed(SourceRow)
    /// The recording is not there any more.
    case gone
}

extension SourceCatalog {
    /// Sets marks in a transaction of their own; where one of several recordings is held by others, in smaller ones.
    package func setMarks(_ requests: [MarkRequest], in database: Database) async throws -> [Int64: MarkOutcome] {
        do {
            return try await database.transaction { session in try mark(requests, on: session) }
        } catch let error as PostgresError where error.code == .timeout && requests.count > 1 {
            // The one that is held is found by halves.
            let middle = requests.count / 2
            let first = try await setMarks(Array(requests[..<middle]), in: database)
            return first.merging(try await setMarks(Array(requests[middle...]), in: database)) { one, _ in one }
        }
    }

    /// Takes marks back, so that nothing licenses the loss of what they promised; inside a transaction at the source.
    ///
    /// - Returns: those that had one of `marks`, and have none now.
    package func takeBack(_ marks: Set<Mark>, of ids: [Int64], on session: Session) throws -> [Int64] {
        if ids.isEmpty || marks.isEmpty { return [] }
        let rows = try session.query(
            """
            update callrec.couples set synchronized = null
            where id = any($1::bigint[]) and synchronized::text = any($2::text[]) returning id
            """, [.integers(ids), .texts(marks.map(\.rawValue).sorted())])
        return try rows.map { try $0.integer("id") }
    }

    /// Sets marks where everything still is what was looked at, inside a *read committed* transaction at the source:
    /// what a lock waited for has to be seen.
    ///
    /// Each recording is locked first. The lock makes writers of its row wait, and writers of new media and metadata
    /// through their foreign keys, so what is read then is what the mark is about.
    /// - Returns: an outcome for each request, by id.
    /// - Throws: ``CatalogError`` `ignored` where the server took the update and did not make it, `transaction`
    ///   outside of such a transaction; ``PostgresError`` `timeout` where one of several is held by others.
    package func mark(_ requests: [MarkRequest], on session: Session) throws -> [Int64: MarkOutcome] {
        let ids = requests.map(\.id)
        guard !ids.isEmpty else { return [:] }
        let locks = try session.query(statements.lock(several: ids.count > 1), [.integers(ids)])
        guard try session.isInTransaction && locks.allSatisfy({ try $0.text("isolation") == "read committed" }) else {
            throw CatalogError(code: .transaction, sentence: "Marks need a transaction that is read committed.")
        }
        let locked = Set(try locks.map { try $0.integer("id") })
        var rows: [Int64: SourceRow] = [:]
        for row in try recordings(ids: ids, on: session) { rows[row.reference.id] = row }
        var outcomes: [Int64: MarkOutcome] = [:]
        var granted: [Mark: [Int64]] = [:]
        for request in requests {
            guard locked.contains(request.id), let row = rows[request.id] else {
                outcomes[request.id] = .gone
                continue
            }
            let outcome = SourceCatalog.outcome(of: request, for: row)
            outcomes[request.id] = outcome
            // A mark that stands stays as it is: only what it promises was looked at again.
            if outcome == .marked, request.mark != request.standing {
                granted[request.mark, default: []].append(request.id)
            }
        }
        for (mark, ids) in granted {
            let count = try session.execute(statements.mark, [.integers(ids), .text(mark.rawValue)])
            guard count == ids.count else {
                throw CatalogError(
                    code: .ignored, sentence: "\(source) did not take the mark of \(ids.count - count) recordings.")
            }
        }
        return outcomes
    }

    static func outcome(of request: MarkRequest, for row: SourceRow) -> MarkOutcome {
        guard let recording = row.recording else { return .changed(row) }
        if let mark = recording.mark, mark != request.standing { return .alreadyMarked(mark) }
        let isSame = recording.mark == request.standing && Fingerprint(of: recording) == request.fingerprint
        guard isSame else { return .changed(row) }
        // The mark that stands is the one that is true: the row is left alone.
        return recording.mark == request.mark ? .alreadyMarked(request.mark) : .marked
    }
}
