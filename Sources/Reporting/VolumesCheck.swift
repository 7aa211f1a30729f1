internal import Delivery
internal import Files
internal import Glibc
internal import Planning
internal import Settings
internal import Vocabulary

/// All volumes, together: which of them share their space shows only side by side. Each is looked at on threads of its
/// own, so that one that hangs is told as such and delays no other.
struct VolumesCheck: Sendable {
    let replay: ReplaySettings
    var rules = LevelRules()

    /// What was found of one volume. `writing` is nil where it was not tried.
    struct Look: Sendable {
        let sample: VolumeSample
        let writing: Result<Void, FileError>?
    }

    var check: Check {
        Check(late: CheckFinding(.fail, "volumes", "They could not be looked at in time.")) {
            findings(of: await looks())
        }
    }

    private func looks() async -> [Look] {
        await withTaskGroup(of: (Int, Look).self) { group in
            for (place, volume) in replay.allVolumes.enumerated() {
                group.addTask { (place, await VolumesCheck.look(at: volume)) }
            }
            var found = [Look?](repeating: nil, count: replay.allVolumes.count)
            for await (place, look) in group { found[place] = look }
            return found.compactMap { $0 }
        }
    }

    private static func look(at volume: VolumeSettings) async -> Look {
        let threads = FileThreads(name: "check-volume", count: 1)
        let half = SiteCheck.patience / 2
        let sample = await VolumeProbe(settings: volume, threads: threads, patience: half).look()
        guard sample.condition == nil else { return Look(sample: sample, writing: nil) }
        let path = volume.path
        do {
            try await threads.run(timeout: half) { _ in try tryWriting(to: path) }
            return Look(sample: sample, writing: .success(()))
        } catch {
            let failure = error as? FileError ?? FileError(.other, doing: "create a file")
            return Look(sample: sample, writing: .failure(failure))
        }
    }

    /// Makes a hidden file and removes it.
    private static func tryWriting(to path: FilePath) throws(FileError) {
        let calls = KernelFiles()
        let root = try calls.openRoot(path)
        let name = FilePath(".takeup-probe-\(getpid())")
        let file = try calls.createNamed(name, in: root.descriptor, mode: 0o600)
        try calls.unlink(name, in: root.descriptor)
        try file.close()
    }

    func findings(of looks: [Look]) -> [CheckFinding] {
        looks.flatMap { look in [state(of: look, among: looks)] + fullness(of: look) }
    }

    private func state(of look: Look, among looks: [Look]) -> CheckFinding {
        let settings = look.sample.settings
        let subject = "volume \(settings.name)"
        guard let proof = look.sample.proof, look.sample.condition == nil else {
            let reason = look.sample.reason ?? "it can't be used"
            return CheckFinding(
                .fail, subject, "\(settings.path.displayText): \(reason).",
                hint: "Mount it; a new volume is made with `takeup volume init \(settings.path.displayText)`.")
        }
        if let twin = looks.first(where: { isTwin($0.sample, of: look.sample) }) {
            return CheckFinding(
                .fail, subject, "It has the marker of volume \(twin.sample.settings.name): the directory was copied.",
                hint: "Remove .takeup-volume from the copy, and make it a volume of its own.")
        }
        if let disorder = DisorderedLevels(look.sample, rules: rules) {
            return CheckFinding(
                .fail, subject, "Agents refuse to start: \(disorder.what).", hint: DisorderedLevels.hint)
        }
        if case .failure(let error)? = look.writing {
            return CheckFinding(
                .fail, subject, "\(settings.path.displayText) can't be written to: \(error).",
                hint: "Let the service's user write there, and run this check as that user.")
        }
        return CheckFinding(.ok, subject, "\(settings.path.displayText): \(facts(settings, proof, looks))")
    }

    private func facts(_ settings: VolumeSettings, _ proof: VolumeSample.Proof, _ looks: [Look]) -> String {
        var facts = [
            "\(proof.facts.kind)", "\(HumanText.bytes(proof.facts.availableBytes)) free",
            "\(HumanText.percent(100 * proof.facts.usedShare)) used, watermark \(settings.watermark)",
        ]
        let sharing = looks.filter { other in
            other.sample.settings.name != settings.name && sharesSpace(other.sample, settings, proof)
        }.map(\.sample.settings.name.rawValue)
        if !sharing.isEmpty { facts.append("shares its space with \(sharing.joined(separator: ", "))") }
        if settings.balance == 0 { facts.append("drains") }
        return (facts + ["marker \(proof.id)"]).joined(separator: ", ")
    }

    private func sharesSpace(
        _ other: VolumeSample, _ settings: VolumeSettings, _ proof: VolumeSample.Proof
    ) -> Bool {
        if let account = settings.account, account == other.settings.account { return true }
        return other.proof?.device == proof.device
    }

    private func isTwin(_ other: VolumeSample, of sample: VolumeSample) -> Bool {
        guard let id = sample.proof?.id else { return false }
        return other.settings.name != sample.settings.name && other.proof?.id == id
    }

    private func fullness(of look: Look) -> [CheckFinding] {
        guard let facts = look.sample.proof?.facts, look.sample.condition == nil else { return [] }
        let settings = look.sample.settings
        func warn(_ what: String) -> CheckFinding {
            CheckFinding(
                .warn, "volume \(settings.name)", what,
                hint: "Free space, raise the watermark, or add a volume; it is used only when all others are full.")
        }
        var findings: [CheckFinding] = []
        let mark = VolumeWatermark(settings.watermark).share(of: facts.usedBytes + facts.availableBytes)
        if facts.usedShare >= mark { findings.append(warn("It is past its watermark.")) }
        if let used = facts.usedInodeShare, used >= mark {
            findings.append(warn("\(HumanText.percent(100 * used)) of its inodes are used, past its watermark."))
        }
        return findings
    }
}
