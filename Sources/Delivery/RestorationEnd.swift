package import Catalogs
internal import Ledger
package import Postgres
package import Vocabulary

/// The end of bringing back what the replay's tools took away.
package enum RestorationEnd {
    /// Ends the restorations of these recordings where every source that was asked has brought what it has: says at the
    /// replay that it is restored, and puts aside what the ledger held of rows that are gone. While they are locked.
    package static func end(
        _ sids: some Sequence<Sid>, catalog: ReplayCatalog, in session: Session
    ) throws {
        try end(session.answer(Restorations.find(sids)), catalog: catalog, in: session)
    }

    /// - Parameter wanted: those that are to be brought back, and since when.
    static func end(_ wanted: [Sid: Instant], catalog: ReplayCatalog, in session: Session) throws {
        for (sid, since) in wanted.sorted(by: { $0.key < $1.key }) {
            let copies = try Replicas.held([sid], in: session)[sid] ?? []
            guard let standing = try catalog.find(sids: [sid], on: session)[sid] else { continue }
            let filled = Set(copies.filter { $0.committed >= since }.compactMap(\.content.replayMediaID))
            let results = Set(copies.filter(\.content.isResult).compactMap(\.content.replayMediaID))
            let originals = standing.media.map(\.id).filter { !results.contains($0) }
            let isWhole = !originals.isEmpty && originals.allSatisfy(filled.contains)
            guard try isWhole || !Sightings.find(sid: sid, in: session).contains(where: \.isOnItsWay) else { continue }
            // No source brought anything: what was taken away is not back.
            if standing.isTakenAway && filled.isEmpty { continue }
            if standing.isDeleted || standing.isArchived { try catalog.setRestored(standing.id, on: session) }
            let rows = Set(standing.media.map(\.id))
            var dead: [Replica.ID: FilePath] = [:]
            for copy in copies where copy.committed < since {
                guard let row = copy.content.replayMediaID, !rows.contains(row) else { continue }
                dead[copy.id] = Quarantine.path(of: copy.content.path, day: Quarantine.today)
            }
            try Replicas.retire(dead, keep: Quarantine.keep, in: session)
            try Restorations.end(sid, in: session)
        }
    }
}

extension Sighting {
    fileprivate var isOnItsWay: Bool {
        switch state {
        case .transferring: true
        case .waiting, .refused: reopened == .restore
        case .converged, .marked: false
        }
    }
}
