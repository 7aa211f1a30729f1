internal import Delivery
package import Ledger
internal import Planning
package import Settings
package import Vocabulary

/// How a site stands: what the ledger says, in the order of the settings. What only one of them knows is there, too.
package struct StatusReport: Sendable {
    package struct Source: Hashable, Sendable {
        package var name: SourceName
        /// Nil: the settings don't have it any more.
        package var isEnabled: Bool?
        package var counts: StatusCounts.Source
        /// The host of the agent that looks at it now.
        package var keeper: Holder?
        /// Since when and why it rests; nil where it does not.
        package var pause: Pause?
        /// What deletion at the recorder would lose.
        package var risks: [Risk]
        /// What an operator said about how fast it may be read; nil where the settings say it.
        package var limitWord: ReadLimitWord?
        /// Bytes a second; nil for as fast as it goes.
        package var readLimit: Int64?
        /// Bytes a second that its agents read for copies.
        package var readRate: Int64 = 0
    }

    package struct Mount: Hashable, Sendable {
        package var path: MountPath
        /// Nil: the settings don't have it any more.
        package var source: SourceName?
        package var isEnabled: Bool
        /// The one heard of last; nil where none is known.
        package var agent: KnownAgent?
        package var counts: StatusCounts.Mount
        var words: AgentWords
    }

    package struct Volume: Hashable, Sendable {
        package var name: VolumeName
        /// Nil: the settings don't have it any more.
        package var settings: VolumeSettings?
        package var takesOnlyScreens: Bool
        /// Nil: no agent has seen it yet.
        package var counts: StatusCounts.Volume?
        /// Processes that can't use it, by host; those that have not said so for a while are gone.
        package var sights: [VolumeSight] = []
        /// Of the replicas' bytes in its priority; nil where there are none.
        package var share: Double?
        /// What `balance` says that the share should be.
        package var balanceShare: Double?
        /// Files that agents copy at once to it, as each found it; empty where none did.
        package var copiesAtOnce: [Int] = []

        /// The fraction used that its watermark is; nil where its size decides that and nobody has seen it.
        var watermarkShare: Double? {
            guard let watermark = settings?.watermark else { return nil }
            let sample = counts?.state.sample
            if sample == nil, case .free = watermark { return nil }
            return VolumeWatermark(watermark).share(of: sample.map { $0.usedBytes + $0.availableBytes } ?? 0)
        }
    }

    package let replay: String
    package let at: Instant
    package let markingStopped: String?
    /// Whether the settings let anything be collected.
    package let isCollecting: Bool
    package let sources: [Source]
    package let mounts: [Mount]
    package let volumes: [Volume]
    /// What the volumes alert of.
    package let alerts: [Alert]
    package let workers: [KnownAgent]
    package let muxJobs: [MuxJob.State: Int]
    package let screens: [WaitingScreen.State: Int]
    package let unauthenticatedResults: Int
    package let notedMuxJobs: Int
    /// How far copies were read again, by volume.
    package let scrubs: [VolumeID: Scrubs.Standing]
    /// Hosts that read copies again now.
    package let scrubbers: [KnownAgent]
    package let delays: Delays?
    package let openProblems: Int
    /// The newest first.
    package let problems: [Problem]

    /// An agent tells of itself every 5 s; after this it is not there any more.
    package static let silence = Duration.seconds(20)

    package init(settings: Settings, look: StatusLook) {
        let counts = look.counts
        replay = settings.replay.name
        at = look.at
        markingStopped = counts.markingStopped
        isCollecting = settings.synchro.isEnabled
        sources = StatusReport.sources(settings, counts)
        mounts = StatusReport.mounts(settings, counts)
        volumes = StatusReport.volumes(settings.replay, counts).map { volume in
            var volume = volume
            volume.copiesAtOnce = counts.agents.filter(\.isAlive).compactMap {
                AgentWords(json: $0.beat.state).copiesAtOnce?[volume.name.rawValue]
            }
            return volume
        }
        alerts = counts.alerts
        workers = counts.agents.filter { $0.beat.role == "mux" }
        muxJobs = counts.muxJobs
        screens = counts.screens
        unauthenticatedResults = counts.unauthenticatedResults
        notedMuxJobs = counts.notedMuxJobs
        scrubs = Dictionary(counts.scrubs.map { ($0.volume, $0) }, uniquingKeysWith: { first, _ in first })
        scrubbers = counts.agents.filter { $0.beat.role == "scrub" && $0.isAlive }
        delays = look.delays
        openProblems = counts.openProblems
        problems = look.problems
    }

    private static func sources(_ settings: Settings, _ counts: StatusCounts) -> [Source] {
        let known = settings.sources.map(\.name)
        let mentioned = Set(counts.sources.map(\.source) + counts.pauses.map(\.source))
        let strangers = mentioned.subtracting(known).sorted()
        return (known + strangers).map { name in
            let found = settings.sources.first { $0.name == name }
            let word = counts.readLimits.first { $0.source == name }
            let paths = found?.mounts.map(\.path) ?? []
            let agents = counts.agents.filter { $0.isAlive && $0.beat.mount.map(paths.contains) ?? false }
            return Source(
                name: name, isEnabled: found?.isEnabled,
                counts: counts.sources.first { $0.source == name }
                    ?? StatusCounts.Source(nothingOf: name),
                keeper: counts.keepers.first { $0.source == name }?.holder,
                pause: counts.pauses.first { $0.source == name }, risks: counts.risks[name] ?? [],
                limitWord: word, readLimit: word.map(\.bytesPerSecond) ?? found?.readLimit,
                readRate: agents.reduce(0) { $0 + (AgentWords(json: $1.beat.state).readRate ?? 0) })
        }
    }

    private static func mounts(_ settings: Settings, _ counts: StatusCounts) -> [Mount] {
        let known = settings.sources.flatMap { $0.mounts.map(\.path) }
        let agents = counts.agents.filter { $0.beat.role == "agent" }
        let mentioned = Set(counts.mounts.map(\.mount) + agents.compactMap(\.beat.mount))
        return (known + mentioned.subtracting(known).sorted()).map { path in
            let found = settings.mount(at: path)
            let agent = agents.filter { $0.beat.mount == path }.min {
                ($0.isAlive ? 0 : 1, $0.silence) < ($1.isAlive ? 0 : 1, $1.silence)
            }
            return Mount(
                path: path, source: found?.source.name, isEnabled: found?.source.isEnabled ?? false, agent: agent,
                counts: counts.mounts.first { $0.mount == path }
                    ?? StatusCounts.Mount(nothingOf: path),
                words: AgentWords(json: agent?.beat.state ?? ""))
        }
    }

    private static func volumes(_ replay: ReplaySettings, _ counts: StatusCounts) -> [Volume] {
        let known = shares(replay.volumes, false, counts) + shares(replay.videoVolumes, true, counts)
        let strangers = counts.volumes.filter { volume in
            !replay.allVolumes.contains { $0.name == volume.state.name }
        }
        return known
            + strangers.map {
                Volume(
                    name: $0.state.name, settings: nil, takesOnlyScreens: false, counts: $0, share: nil,
                    balanceShare: nil)
            }
    }

    /// Volumes of one list compete with those of their priority alone.
    private static func shares(
        _ volumes: [VolumeSettings], _ takesOnlyScreens: Bool, _ counts: StatusCounts
    ) -> [Volume] {
        func known(_ volume: VolumeSettings) -> StatusCounts.Volume? {
            counts.volumes.first { $0.state.name == volume.name }
        }
        return volumes.map { volume in
            let tier = volumes.filter { $0.priority == volume.priority }
            let bytes = tier.reduce(0) { $0 + (known($1)?.bytes ?? 0) }
            let balance = tier.reduce(0) { $0 + $1.balance }
            return Volume(
                name: volume.name, settings: volume, takesOnlyScreens: takesOnlyScreens, counts: known(volume),
                sights: counts.volumeSights.filter { $0.volume == volume.name },
                share: bytes > 0 ? Double(known(volume)?.bytes ?? 0) / Double(bytes) : nil,
                balanceShare: balance > 0 ? Double(volume.balance) / Double(balance) : nil)
        }
    }
}

extension KnownAgent {
    package var isAlive: Bool { left == nil && silence < StatusReport.silence }
}

extension KnownVolume.Sample {
    /// 0 to 100, as `df` counts it.
    var usedPercent: Double {
        let both = usedBytes + availableBytes
        return both > 0 ? 100 * Double(usedBytes) / Double(both) : 0
    }
}
