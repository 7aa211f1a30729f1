internal import Catalogs
internal import Copying
internal import Ledger
internal import Postgres
internal import Telemetry
internal import Vocabulary

/// The way of a replaced copy: moved aside after the commit that retired it, removed when its time is over. Each step can
/// be repeated, by any process; a file that a row of its recording names all the same is left where it is.
struct Retiring: Sendable {
    let replay: Replay
    let roster: VolumeRoster
    let narrator: any Narrator

    /// How long what could not be done, or must not, is left alone.
    private static let pause = Duration.seconds(600)

    /// Moves the files of retired copies out of the way, and says where they lie.
    func putAside(_ retired: [Replica]) async throws {
        try await each(retired) { replica, copier in
            switch try await copier.retire(
                replica.content.path, day: Quarantine.day(of: replica.quarantinePath))
            {
            case .moved(let path): path
            // Moved before, by a process that could not say so any more; or taken away by others.
            case .absent: replica.quarantinePath
            }
        } done: { paths, session in
            try Replicas.putAside(paths, in: session)
        }
    }

    /// Removes what was put aside and whose time is over.
    func remove(_ retired: [Replica]) async throws {
        try await each(retired) { replica, copier in
            guard let path = replica.quarantinePath else { return nil }
            return try await copier.removeRetired(path) == .kept ? nil : path
        } done: { paths, session in
            try Replicas.removed(paths.keys, in: session)
        }
    }

    private func each(
        _ retired: [Replica], _ act: (Replica, Copier) async throws -> FilePath?,
        done: @escaping @Sendable ([Replica.ID: FilePath], Session) throws -> Void
    ) async throws {
        if retired.isEmpty { return }
        let roots = try await roster.roots()
        let named = try await named(retired, roots)
        var finished: [Replica.ID: FilePath] = [:]
        var readOnly: Set<VolumeID> = []
        for replica in retired
        where !named.contains(replica.id) && !readOnly.contains(replica.content.volume) {
            guard let name = roots[replica.content.volume]?.name,
                let copier = await roster.copier(of: replica.content.volume, named: name)
            else { continue }
            do {
                finished[replica.id] = try await act(replica, copier)
            } catch {
                // Tried again after a while; the others do not wait for it.
                if await roster.isReadOnly(name, after: error) {
                    readOnly.insert(replica.content.volume)
                } else {
                    narrator.tell(.turnFailed, .service("sweep"), .detail(error))
                }
            }
        }
        let (paths, left) = (finished, retired.map(\.id).filter { finished[$0] == nil })
        try await replay.database.transaction { session in
            try done(paths, session)
            try Replicas.postpone(left, by: Retiring.pause, in: session)
        }
    }

    /// Those that a media row of their recording names, as after a row was put back by hand or from a backup.
    private func named(
        _ retired: [Replica], _ roots: [VolumeID: (name: VolumeName, path: FilePath)]
    ) async throws -> Set<Replica.ID> {
        let catalog = replay.catalog
        let sids = Array(Set(retired.map(\.content.sid)))
        let standing = try await replay.database.perform { session in try catalog.find(sids: sids, on: session) }
        return Set(
            retired.filter { replica in
                guard let root = roots[replica.content.volume]?.path else { return false }
                let places = [replica.content.path, replica.quarantinePath].compactMap { $0 }.map {
                    root.appending($0.bytes)
                }
                return standing[replica.content.sid]?.media.contains { places.contains($0.path) } ?? false
            }.map(\.id))
    }
}
