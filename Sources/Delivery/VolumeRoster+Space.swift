internal import Files
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Telemetry
internal import Vocabulary

/// What space decides, one state for all processes: ok, above, floor; and whether a volume is filling.
extension VolumeRoster {
    private static let remindPeriod = Duration.seconds(60)

    func followSpace(_ samples: [VolumeSample]) async throws {
        let proven = samples.compactMap { sample in sample.proof.map { (sample, $0) } }
        let ids = proven.map(\.1.id)
        let host = host
        // As all do that lock several volumes.
        let inOrder = proven.map(\.1).sorted { $0.id.rawValue.utf8.lexicographicallyPrecedes($1.id.rawValue.utf8) }
        let (known, all) = try await database.transaction(isDurable: false) { session in
            for proof in inOrder {
                try Volumes.saveSample(Ledger.KnownVolume.Sample(proof.facts), of: proof.id, in: session)
            }
            return try session.ask(Volumes.find(ids), VolumeSights.all())
        }
        sights = all.filter { $0.host == host }
        standings = known
        let isReminding = reminded.map { clock() - $0 >= VolumeRoster.remindPeriod } ?? true
        if isReminding { reminded = clock() }
        for (sample, proof) in proven {
            guard let standing = known[proof.id] else { continue }
            if standing.replaced != nil {
                unbind(sample.settings.name)
                continue
            }
            try await follow(sample, proof, standing, isReminding: isReminding)
            try await followOrder(sample, proof, standing)
        }
    }

    private func follow(
        _ sample: VolumeSample, _ proof: VolumeSample.Proof, _ standing: KnownVolume, isReminding: Bool
    ) async throws {
        let stored = Planning.VolumeState(rawValue: standing.state) ?? .ok
        let view = VolumeView(sample, proof, standing, sample.promised ?? AccountStanding())
        let levels = VolumeLevels(of: view, rules: rules)
        calm[proof.id, default: SpaceCalm()].see(view, levels, at: clock())
        let next = watermarkState(
            of: view, from: stored, levels: levels, calm: calm[proof.id] ?? SpaceCalm(), at: clock())
        let at = now()
        if next == stored {
            guard isReminding, let kind = VolumeRoster.alert(of: stored) else { return }
            let incident = standing.incident
            let (telling, _) = try await database.perform { session in
                try Alerts.meet(
                    kind.rawValue, proof.id.rawValue, incident: incident, at: at, reminder: kind.reminder, in: session)
            }
            if telling == .remind {
                tell(
                    stored == .floor ? .floorReached : .watermarkRaised, view, levels, sample.settings, about: stored,
                    incident, [.since(standing.since)])
            }
            return
        }
        let moved = try await database.transaction { session in
            let moved = try Volumes.move(
                proof.id, from: stored.rawValue, to: next.rawValue, reason: nil, raisesAlert: next != .ok, in: session)
            guard let moved else { return moved }
            for kind in [AlertKind.watermark, .floor] where kind != VolumeRoster.alert(of: next) {
                _ = try Alerts.clear(kind.rawValue, proof.id.rawValue, in: session)
            }
            if let kind = VolumeRoster.alert(of: next) {
                _ = try Alerts.meet(
                    kind.rawValue, proof.id.rawValue, incident: moved.after.incident, at: at, reminder: nil, in: session
                )
            }
            return moved
        }
        guard let moved else { return }
        standings[proof.id] = moved.after
        let event: Event =
            switch (stored, next) {
            case (_, .floor): .floorReached
            case (.floor, _): .floorCleared
            case (_, .above): .watermarkRaised
            default: .watermarkCleared
            }
        let isOver = event == .watermarkCleared || event == .floorCleared
        tell(
            event, view, levels, sample.settings, about: isOver ? stored : next,
            moved.after.incident ?? moved.before.incident,
            isOver ? [.elapsed(moved.after.since - moved.before.since)] : [])
    }

    static func alert(of state: Planning.VolumeState) -> AlertKind? {
        switch state {
        case .above: .watermark
        case .floor: .floor
        case .ok, .limited, .readOnly, .absent, .hung, .suspect, .drain: nil
        }
    }

    private func tell(
        _ event: Event, _ view: VolumeView, _ levels: VolumeLevels, _ settings: VolumeSettings,
        about state: Planning.VolumeState, _ incident: Int64?, _ more: [Fact]
    ) {
        narrator.tell(
            event,
            facts: view.spaceFacts(levels, settings, state) + (incident.map { [.incident(String($0))] } ?? []) + more)
    }

    // MARK: - Filling

    /// Notes the space of this minute, and looks every five minutes whether a volume will be full within a day.
    func followFilling(_ samples: [VolumeSample]) async throws {
        let at = now()
        let minute = at.microseconds / 60_000_000
        for sample in samples where sample.condition == nil {
            guard let proof = sample.proof, let standing = standings[proof.id] else { continue }
            let points: [FillingPoint]? = try await database.perform { session in
                let isFirst = try VolumePoints.note(
                    proof.id, minute: minute, available: proof.facts.availableBytes, in: session)
                guard isFirst, minute.isMultiple(of: 5) else { return nil }
                return try VolumePoints.all(of: proof.id, in: session).map {
                    FillingPoint(minute: $0.minute, available: $0.available)
                }
            }
            guard let points else { continue }
            let view = VolumeView(sample, proof, standing, sample.promised ?? AccountStanding())
            try await foretell(view, points, sample.settings, at)
        }
    }

    private func foretell(
        _ view: VolumeView, _ points: [FillingPoint], _ settings: VolumeSettings, _ at: Instant
    ) async throws {
        let levels = VolumeLevels(of: view, rules: rules)
        let forecast = FillingForecast(points, trigger: levels.trigger, floor: levels.floor)
        let isFilling = forecast?.isFilling(free: Double(view.available) / Double(max(1, view.size))) ?? false
        let isOver = forecast?.isOver ?? false
        let subject = view.id.rawValue
        let (telling, raised, cleared) = try await database.transaction(isDurable: false) { session in
            guard isFilling else {
                _ = try Alerts.clear(AlertKind.fillingAhead.rawValue, subject, in: session)
                let cleared = isOver ? try Alerts.clear(AlertKind.filling.rawValue, subject, in: session) : nil
                return (Alerts.Telling.nothing, Alert?.none, cleared)
            }
            let (_, ahead) = try Alerts.meet(
                AlertKind.fillingAhead.rawValue, subject, at: at, reminder: nil, in: session)
            guard at - ahead.since >= .seconds(3600) else { return (.nothing, nil, nil) }
            let (telling, alert) = try Alerts.meet(
                AlertKind.filling.rawValue, subject, incident: ahead.incident, at: at,
                reminder: AlertKind.filling.reminder, in: session)
            return (telling, alert, nil)
        }
        let facts = view.spaceFacts(levels, settings, .ok)
        if let raised, telling != .nothing, let left = forecast?.toFloor {
            narrator.tell(
                .filling, facts: facts + [.timeToFull(left), .incident(String(raised.incident)), .since(raised.since)])
        }
        if let cleared {
            narrator.tell(
                .fillingCleared, facts: facts + [.incident(String(cleared.incident)), .elapsed(at - cleared.since)])
        }
    }
}

extension VolumeView {
    /// What alerts about space say; of inodes where those are what is scarce.
    /// - Parameter state: that the alert is about.
    func spaceFacts(_ levels: VolumeLevels, _ settings: VolumeSettings, _ state: Planning.VolumeState) -> [Fact] {
        let isInodes = scarce(levels, state) == .inodes
        return [
            .volume(settings.name), .volumeID(id), .volumePath(settings.path),
            .used(percent: isInodes ? inodesUsedPercent ?? 0 : usedPercent),
            .watermark(percent: 100 * watermark.share(of: size)), .available(bytes: available),
            .reserved(bytes: reserved), .trigger(bytes: levels.trigger), .clear(bytes: levels.clear),
            .floor(bytes: levels.floor), .resource(isInodes ? .inodes : .bytes),
        ]
    }
}

extension KnownVolume.Sample {
    init(_ facts: FileSystemFacts) {
        self.init(
            totalBytes: facts.totalBytes, availableBytes: facts.availableBytes, usedBytes: facts.usedBytes,
            totalInodes: facts.totalInodes, availableInodes: facts.availableInodes)
    }
}
