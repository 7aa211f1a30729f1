internal import Files
internal import Ledger
package import Planning
package import Postgres
package import Settings
package import Vocabulary

/// Where a file would go now, and why not elsewhere. Nothing is promised, and no credit changes.
package struct PlacementPreview: Sendable {
    package struct Row: Sendable {
        package let settings: VolumeSettings
        /// Nil where it did not prove itself.
        package let view: VolumeView?
        package let levels: VolumeLevels?
        /// Of the file; nil for the one that takes it.
        package let refusal: Refusal?
        /// Why it can't be used from here.
        package let reason: String?
    }

    package let size: Int64
    /// In the order of the settings.
    package let rows: [Row]
    package let chosen: VolumeName?
    package let isOverflow: Bool

    /// Looks at the volumes of this kind of media, and decides as an agent would.
    /// - Parameter patience: for a volume that does not answer.
    package static func take(
        _ settings: Settings, size: Int64, kind: MediaKind, patience: Duration, from database: Database
    ) async throws -> PlacementPreview {
        let volumes = settings.replay.volumes(taking: kind)
        let rules = LevelRules(settings.placement)
        let replay = settings.replay.name
        // Accounts are shared also with volumes of another kind.
        let looked = await look(at: settings.replay.allVolumes, patience: patience)
        return try await database.transaction(isDurable: false) { session in
            try Migrations.confirm(in: session)
            let ids = looked.compactMap(\.proof?.id)
            var known = try Volumes.find(ids, in: session)
            let shared = SharedAccounts(
                looked.compactMap { sample in
                    sample.proof.map {
                        SharedAccounts.Volume(id: $0.id, device: $0.device, setting: sample.settings.account)
                    }
                }, known: known.mapValues(\.account))
            for sample in looked {
                guard let id = sample.proof?.id, known[id] == nil, let account = shared.accounts[id] else { continue }
                known[id] = KnownVolume(
                    new: id, name: sample.settings.name, path: sample.settings.path, account: account,
                    credit: initialCredit(of: id, replay: replay))
            }
            let standings = try session.answer(Accounts.standing(of: ids)).mapValues(\.standing)
            var board = VolumeBoard(looked, known: known, standings: standings, rules: rules)
            let before = board.views
            let decision = board.place(size: size, key: "preview", among: Set(volumes.map(\.name)))
            return PlacementPreview(
                size: size,
                rows: volumes.map { volume in
                    let view = before.first { $0.name == volume.name }
                    return Row(
                        settings: volume, view: view,
                        levels: view.map { VolumeLevels(of: $0, rules: rules, largest: size) },
                        refusal: decision.refusals[volume.name],
                        reason: looked.first { $0.settings.name == volume.name }?.reason)
                }, chosen: before.first { $0.id == decision.volume }?.name, isOverflow: decision.isOverflow)
        }
    }

    /// Whether it could never go anywhere, however much was freed.
    package var isTooLarge: Bool { chosen == nil && rows.allSatisfy { $0.refusal == .tooSmall } }

    private static func look(at volumes: [VolumeSettings], patience: Duration) async -> [VolumeSample] {
        await withTaskGroup(of: (Int, VolumeSample).self) { group in
            for (place, volume) in volumes.enumerated() {
                let probe = VolumeProbe(
                    settings: volume, threads: FileThreads(name: "place", count: 1), patience: patience)
                group.addTask { (place, await probe.look()) }
            }
            var found = [VolumeSample?](repeating: nil, count: volumes.count)
            for await (place, sample) in group { found[place] = sample }
            return found.compactMap { $0 }
        }
    }
}
