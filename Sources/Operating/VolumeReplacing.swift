internal import Delivery
internal import Files
internal import Ledger
internal import Planning
package import Postgres
package import Settings
package import Vocabulary

/// An operator's word that another disk is a volume from now on. What the one before holds stays on record.
package enum VolumeReplacing {
    package enum Outcome: Hashable, Sendable {
        case replaced
        /// The name belongs to this disk already.
        case same
        /// These settings do not have the volume.
        case unknown
        /// Why no disk is known by its marker there.
        case noDisk(String)
    }

    /// Reads the marker of the disk that is there now, on this host.
    package static func replace(
        _ name: VolumeName, volumes settings: ReplaySettings, patience: Duration, in database: Database
    ) async throws -> Outcome {
        guard let volume = settings.allVolumes.first(where: { $0.name == name }) else { return .unknown }
        let probe = VolumeProbe(
            settings: volume, threads: FileThreads(name: "replace", count: 1), patience: patience)
        let sample = await probe.look()
        guard let id = sample.proof?.id else { return .noDisk(sample.reason ?? "its marker cannot be read") }
        let replay = settings.name
        return try await database.transaction { session in
            try Migrations.confirm(in: session)
            try Accounts.lockAll(in: session)
            let standing = try Volumes.all(in: session).first { $0.name == name && $0.replaced == nil }
            if standing?.id == id { return .same }
            try Volumes.replace(
                name, by: id, path: volume.path, credit: initialCredit(of: id, replay: replay), in: session)
            return .replaced
        }
    }
}
