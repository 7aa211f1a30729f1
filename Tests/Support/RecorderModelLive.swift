internal import Glibc
internal import Vocabulary

/// A recording that is being made: what of it lies on the disk so far, and the ids of its rows.
final class RecorderModelLive {
    let plan: RecorderModelPlan.Recording
    let contents: [RecorderModelContent]
    let start: WallTime
    let stop: WallTime
    var call: Int64?
    var recording: Int64?
    var mediaIDs: [Int64] = []
    /// When FINISHED was committed, in microseconds since 1970 UTC.
    var finished: Int64?
    var stepsLeft = 0
    private let prefix: String
    private var sid: String?
    private var files: [Int: RecorderModelFile] = [:]
    /// When the last byte of each file was written, in microseconds since 1970 UTC.
    private var completed: [Int: Int64] = [:]

    init(
        plan: RecorderModelPlan.Recording, contents: [RecorderModelContent], prefix: String, start: WallTime,
        stop: WallTime
    ) {
        self.plan = plan
        self.contents = contents
        self.prefix = prefix
        self.start = start
        self.stop = stop
    }

    /// The same in every database for the same leg, made of its data.
    func sid(seed: UInt64) -> String {
        let made = "\(start.microseconds / 1_000_000)_\(seed)-\(plan.number)_\(plan.caller)_\(4000 + plan.agent)"
        sid = made
        return made
    }

    var firstExternal: [[String]] { [["agent", "agent\(plan.agent)"], ["queue", "orders"]] }
    /// One more value of a key that has one, and texts that need care.
    var laterExternal: [[String]] {
        [["queue", "english"], ["note", "said \"it's late\"; 100 % č. \(plan.number)\\n"], ["empty", ""]]
    }

    var media: [RecorderModelRows.Media] {
        contents.map { content in
            RecorderModelRows.Media(
                kind: content.kind, path: content.path, size: content.claimedSize, crc32: content.crc32,
                keyID: content.keyID,
                start: WallTime(microseconds: start.microseconds + Int64(content.delaySeconds) * 1_000_000),
                stop: stop, properties: content.properties)
        }
    }

    /// Writes one piece; the last one closes the file.
    func write(_ index: Int, piece: Int, of count: Int) throws {
        let content = contents[index]
        guard !content.isAbsent else { return }
        let place = FilePath(bytes: Array(prefix.utf8) + content.path.bytes)
        if let target = content.linkTarget {
            if piece == 0 { try RecorderModelFile.makeLink(place, to: target) }
            return
        }
        let file = try files[index] ?? RecorderModelFile(place)
        files[index] = file
        let size = content.bytes.count
        try file.append(content.bytes[size * piece / count..<size * (piece + 1) / count])
        guard piece == count - 1 else { return }
        file.finish()
        files[index] = nil
        completed[index] = Now().microseconds
    }

    /// What there is when all is done.
    func truth() -> RecorderModelTruth {
        let media = contents.enumerated().map { index, content in
            RecorderModelTruth.Media(
                id: mediaIDs.indices.contains(index) ? mediaIDs[index] : nil, kind: content.kind.rawValue,
                path: content.path.displayText, pathHex: Hex.text(of: content.path.bytes),
                sha256: RecorderModelChecksum.sha256(content.bytes), size: Int64(content.bytes.count),
                encryption: content.encryption, clearSHA256: content.clearSHA256, complete: completed[index])
        }
        let moments = media.map(\.complete) + [finished]
        return RecorderModelTruth(
            number: plan.number, id: recording, call: call, sid: sid, fault: plan.fault,
            arrives: plan.fault?.arrives ?? true,
            isPair: plan.screen?.hasMP4 == true && plan.fault?.makesPair != false, seconds: plan.seconds,
            screenDelaySeconds: plan.screen?.delaySeconds ?? 0,
            complete: moments.contains(nil) ? nil : moments.compactMap(\.self).max(), media: media,
            external: plan.fault == .orphan ? [] : firstExternal + laterExternal)
    }
}

/// The time of day, as the world and as the clock on the recorder's wall have it.
struct Now {
    /// Since 1970 UTC.
    let microseconds: Int64
    /// By the zone of this process (`TZ`).
    let wall: WallTime

    init() {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        var local = tm()
        localtime_r(&time.tv_sec, &local)
        wall = WallTime(microseconds: microseconds + Int64(local.tm_gmtoff) * 1_000_000)
    }
}
