internal import Copying
internal import Files
internal import Ledger
internal import Planning
internal import Postgres
internal import Settings
internal import Telemetry
package import Vocabulary

/// What this process can reach: absent, hung, read-only. Told once for its host.
extension VolumeRoster {
    private static let stable = Duration.seconds(60)
    static let againPeriod = Duration.seconds(10)

    /// Between two looks at what other processes of this host said.
    private static let hearing = Duration.seconds(60)

    /// What other processes of this host said meanwhile, as commands that have ended by now: whoever sees the volume well
    /// says so.
    func hearOthers() async throws {
        if clock() - sightsAsked < VolumeRoster.hearing { return }
        try await askSights()
    }

    private func askSights() async throws {
        sightsAsked = clock()
        let host = host
        sights = try await database.perform { session in try VolumeSights.all(in: session) }.filter { $0.host == host }
    }

    /// What processes of this host said before this one began.
    func recall() async throws {
        try await askSights()
        for sight in sights ?? [] where sight.state == Planning.VolumeState.hung.rawValue {
            hung[sight.volume] = .some(nil)
        }
        for sight in sights ?? [] where sight.state == Planning.VolumeState.readOnly.rawValue {
            readOnly.insert(sight.volume)
        }
    }

    /// A volume that hung is used again when it has answered for a minute.
    func settled(_ sample: VolumeSample) -> VolumeSample {
        let name = sample.settings.name
        if sample.condition == .hung {
            hung[name] = .some(nil)
            return sample
        }
        if sample.condition == .readOnly { readOnly.insert(name) }
        guard sample.condition == nil, let since = hung[name] else { return sample }
        let from = since ?? clock()
        if clock() - from >= VolumeRoster.stable {
            hung[name] = nil
            return sample
        }
        hung[name] = .some(from)
        var watched = sample
        watched.condition = .hung
        watched.reason = "answers again, and is watched for a minute"
        return watched
    }

    /// A volume that was read-only is used again when it was written to.
    func tryReadOnly(_ samples: [VolumeSample]) async -> [VolumeSample] {
        var tried = samples
        for place in tried.indices where tried[place].condition == nil {
            let name = tried[place].settings.name
            guard readOnly.contains(name) else { continue }
            if readOnlyTried[name].map({ clock() - $0 >= VolumeRoster.againPeriod }) ?? true {
                readOnlyTried[name] = clock()
                if await trial(
                    of: name,
                    { (trial) throws(FileError) in
                        try trial.write()
                        return true
                    })
                {
                    readOnly.remove(name)
                    continue
                }
            }
            tried[place].condition = .readOnly
            tried[place].reason = "refuses to be written"
        }
        return tried
    }

    /// Whether a change was refused as all of its volume is read-only: that is the volume's state then, and told as that.
    package func isReadOnly(_ name: VolumeName, after error: any Error) async -> Bool {
        guard (error as? CopyError)?.code == .volumeReadOnly else { return false }
        readOnly.insert(name)
        readOnlyTried[name] = nil
        let samples = try? await sample()
        return samples?.contains { $0.settings.name == name && $0.condition == .readOnly } ?? false
    }

    /// Runs a trial where a hang hurts nobody. False where it throws or hangs.
    func trial(
        of name: VolumeName, _ body: @escaping @Sendable (VolumeTrial) throws(FileError) -> Bool
    ) async -> Bool {
        guard let probe = probes[name] else { return false }
        let trial = VolumeTrial(root: probe.settings.path, calls: calls)
        return (try? await probe.threads.run(timeout: VolumeRoster.hangs) { _ in try body(trial) }) ?? false
    }

    /// Tells once for the host when a volume goes away, and once when it is back for all of its processes.
    func followReach(_ samples: [VolumeSample]) async throws {
        for sample in samples where !sample.isLate && !(isByHand && sample.isDenied) {
            if let condition = sample.condition {
                try await away(sample, condition)
            } else {
                let name = sample.settings.name
                let wasAway = reachNoted.removeValue(forKey: name) != nil
                guard (sights ?? []).contains(where: { $0.volume == name }) else { continue }
                // Where another process says otherwise it is not asked about each time.
                let isDue = backTried[name].map { clock() - $0 >= VolumeRoster.againPeriod } ?? true
                if wasAway || isDue { try await back(sample) }
            }
        }
    }

    private func away(_ sample: VolumeSample, _ condition: Planning.VolumeState) async throws {
        let name = sample.settings.name
        if let (state, at) = reachNoted[name], state == condition, clock() - at < VolumeRoster.againPeriod { return }
        reachNoted[name] = (condition, clock())
        let (host, holder, at) = (host, holder, now())
        let reason = sample.reason
        let (isNew, sight, reminder) = try await database.transaction(isDurable: false) { session in
            let (isNew, sight) = try VolumeSights.note(
                name, host: host, holder: holder, state: condition.rawValue, reason: reason, in: session)
            let (telling, _) = try Alerts.meet(
                AlertKind.unavailable.rawValue, VolumeRoster.subject(name, host), incident: sight.incident, at: at,
                reminder: AlertKind.unavailable.reminder, in: session)
            return (isNew, sight, telling == .remind)
        }
        if !(sights ?? []).contains(where: { $0.volume == name }) { sights?.append(sight) }
        guard isNew || reminder && condition != .readOnly else { return }
        narrator.tell(
            condition == .readOnly ? .volumeReadonly : .volumeUnavailable,
            facts: [
                .volume(name), .volumePath(sample.settings.path), .state(condition.rawValue),
                .reason(reason ?? condition.rawValue), .incident(String(sight.incident)), .since(sight.since),
            ] + (sample.proof.map { [.volumeID($0.id)] } ?? []))
        try await problems.open(
            ProblemBook.Finding(
                .volumeUnavailable, subject: VolumeRoster.subject(name, host), place: replay.name,
                what: "Volume \(name) cannot be used on \(host): \(reason ?? condition.rawValue)."))
    }

    private func back(_ sample: VolumeSample) async throws {
        let name = sample.settings.name
        backTried[name] = clock()
        let (host, holder) = (host, holder)
        let over = try await database.transaction(isDurable: false) { session in
            let over = try VolumeSights.clear(name, host: host, holder: holder, in: session)
            if over != nil {
                _ = try Alerts.clear(AlertKind.unavailable.rawValue, VolumeRoster.subject(name, host), in: session)
            }
            return over
        }
        guard let over else { return }
        sights?.removeAll { $0.volume == name }
        narrator.tell(
            .volumeAvailable,
            facts: [
                .volume(name), .volumePath(sample.settings.path), .previousState(over.state),
                .incident(String(over.incident)), .since(over.since), .elapsed(max(.zero, now() - over.since)),
            ] + (sample.proof.map { [.volumeID($0.id)] } ?? []))
        try await problems.close(.volumeUnavailable, subject: VolumeRoster.subject(name, host), place: replay.name)
    }

    private static func subject(_ name: VolumeName, _ host: String) -> String { "volume \(name) on \(host)" }
}
