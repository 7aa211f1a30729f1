internal import Files
internal import Vocabulary

/// What a group of orders needs before the first write: the proven volume, its directories, and the sources' mounts.
struct PreparedGroup: Sendable {
    /// Where one order reads and writes.
    struct Place: Sendable {
        let order: CopyOrder
        /// nil for a file of our own.
        let sourceRoot: HeldFile?
        let directory: HeldFile
    }

    let session: CopySession
    let directories: VolumeDirectories
    /// One for each order, in order.
    let places: [Result<Place, CopyError>]
    /// Whether one `syncfs` makes all durable.
    let isGrouped: Bool

    /// Throws where nothing can be done for any order.
    init(_ orders: [CopyOrder], copier: Copier, pulse: Pulse) throws(CopyError) {
        let session = try CopySession(volume: copier.volume, calls: copier.calls)
        if session.facts.isReadOnly {
            throw CopyError(.volumeReadOnly, at: .prepare, detail: "it is mounted read-only")
        }
        var directories = VolumeDirectories(session: session, durable: copier.durable)
        var roots: [FilePath: Result<HeldFile, CopyError>] = [:]
        var places: [Result<Place, CopyError>] = []
        for order in orders {
            try beat(pulse, .prepare)
            places.append(
                Result { () throws(CopyError) in
                    guard StagedName.isFit(order.path) else {
                        throw CopyError(.unsupportedName, at: .prepare, detail: "a copy cannot have such a path")
                    }
                    let root = try PreparedGroup.sourceRoot(of: order.source, known: &roots, calls: copier.calls)
                    let directory = try directories.prepare(order.path.parent)
                    return Place(order: order, sourceRoot: root, directory: directory)
                })
        }
        self.session = session
        self.directories = directories
        self.places = places
        isGrouped = orders.count >= copier.settings.groupDurabilityFrom && session.canSyncAsGroup
    }

    /// Closes what was opened. On the threads: closing can hang on a dead mount. Not while an order is given up and may
    /// go on.
    func letGo() {
        directories.letGo()
        for case .success(let place) in places { try? place.sourceRoot?.close(with: session.calls) }
    }

    /// Each mount is opened once for a group, and let go with it.
    private static func sourceRoot(
        of source: CopySource, known: inout [FilePath: Result<HeldFile, CopyError>], calls: any FileCalls
    ) throws(CopyError) -> HeldFile? {
        switch source {
        case .own: return nil
        case .beneath(let root, _):
            if let opened = known[root] { return try opened.get() }
            let opened = Result { () throws(CopyError) in
                try onSource(.open) { () throws(FileError) in HeldFile(try calls.openRoot(root)) }
            }
            known[root] = opened
            return try opened.get()
        }
    }
}
