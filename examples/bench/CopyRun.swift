internal import Glibc
internal import Support

/// One load, copied in turns by all that are compared.
struct CopyRun {
    private let plan: CopyPlan
    private let load: CopyLoad

    /// MiB, whatever the size of a file.
    private static let memoryBar = 64.0
    /// For a file of 200 KiB, from its opening to its durable name.
    private static let callsBar = 30.0

    init(_ plan: CopyPlan, _ kind: CopyLoad.Kind) {
        self.plan = plan
        load = CopyLoad(kind, share: plan.share)
    }

    func figures() async throws -> [Figure] {
        let scene = "\(plan.directory)/takeup-copy-\(UInt32.random(in: 0 ... .max))"
        try ChildProcess.run(["/bin/mkdir", scene])
        defer { _ = try? ChildProcess.run(["/bin/rm", "-rf", scene]) }
        try load.write(to: scene + "/source")
        var turns: [CopyPeer: [CopyTurn]] = [:]
        let peers = CopyPeer.allCases.filter { $0.isInstalled && ($0 != .rclone || plan.hasRclone) }
        for peer in CopyPeer.allCases where !peers.contains(peer) { print("\(peer.words) is left out") }
        for round in 0..<plan.rounds {
            // The disk is still busy with what one wrote when the next begins: nobody always comes after the same one.
            for (place, peer) in peers.shuffled().enumerated() {
                let target = "\(scene)/target-\(round)-\(place)"
                turns[peer, default: []].append(try peer.copy(from: scene + "/source", to: target))
            }
        }
        return compare(turns) + (try await callFigures(scene))
    }

    private func compare(_ turns: [CopyPeer: [CopyTurn]]) -> [Figure] {
        func median(_ peer: CopyPeer, _ what: (CopyTurn) -> Double?) -> Double? {
            let values = (turns[peer] ?? []).compactMap(what)
            return values.isEmpty ? nil : Distribution(values).percentile(50)
        }
        let name = load.words
        let wall = median(.takeup) { $0.wall } ?? 0
        let cpu = median(.takeup) { $0.cpu } ?? 0
        let rsync = median(.rsync) { $0.wall }
        var figures = [
            Figure("\(name): Takeup", "s", wall, peer: rsync, limit: median(.cp) { $0.wall }),
            Figure(
                "\(load.kind.rawValue): peak memory", "MiB", median(.takeup) { $0.memory } ?? 0, bar: CopyRun.memoryBar),
        ]
        if let rsync {
            figures.append(
                Figure(
                    "\(load.kind.rawValue): of rsync's time", "ratio", wall / rsync,
                    bar: bar(load.kind == .small ? 0.8 : 1)))
        }
        if let rclone = median(.rclone, { $0.wall }) {
            figures.append(
                Figure(
                    "\(load.kind.rawValue): of rclone's time, copy and check", "ratio", wall / rclone, bar: bar(0.35)))
        }
        let gigabytes = Double(load.bytes) / 1e9
        if let peer = median(.rsync, { $0.cpu }) {
            figures.append(
                Figure(
                    "\(load.kind.rawValue): CPU for a GB", "s", cpu / gigabytes, peer: peer / gigabytes,
                    bar: load.kind == .small ? nil : bar(2 * peer / gigabytes)))
        }
        return figures
    }

    private func bar(_ value: Double) -> Double? { plan.isWhole ? value : nil }

    /// System calls for a small file: of a tenth of them, so that starting the program hardly counts.
    private func callFigures(_ scene: String) async throws -> [Figure] {
        guard load.kind == .small, SystemCalls.isInstalled else { return [] }
        let part = CopyLoad(.small, share: plan.share / 10)
        try part.write(to: scene + "/part")
        try ChildProcess.run(["/bin/mkdir", scene + "/traced"])
        try ChildProcess.run([
            "/usr/bin/strace", "-f", "-c", "-o", scene + "/strace", try CopyPeer.ownPath(), "copy-engine",
            scene + "/part", scene + "/traced",
        ])
        let calls = SystemCalls.counts(in: String(decoding: try readSample(scene + "/strace"), as: UTF8.self))
        let files = Double(part.files.count)
        // Threads that wait for each other call futex(2) more often the slower they are, as under a tracer.
        let waiting = calls["futex"] ?? 0
        return [
            Figure(
                "small: system calls for a file, without those of waiting threads", "",
                (calls.values.reduce(0, +) - waiting) / files,
                bar: bar(CopyRun.callsBar)),
            Figure("small: those of waiting threads, under a tracer", "", waiting / files),
        ]
    }
}
