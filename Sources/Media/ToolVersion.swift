internal import Synchronization

extension MediaTools {
    package enum Tool: String, CaseIterable, Sendable {
        case ffmpeg, ffprobe
    }

    /// Asks a tool for its version: what stands behind "version" in its first line. Throws ``MediaError``
    /// `toolMissing`, `toolFailed` where it ends otherwise than well, and what running a tool can throw.
    package func version(of tool: Tool, within deadline: Duration) async throws(MediaError) -> String {
        let doing = "ask \(tool.rawValue) for its version"
        let collected = Mutex<[UInt8]>([])
        let program = tool == .ffmpeg ? ffmpeg : ffprobe
        var limits = limits
        limits.deadline = deadline
        let end = try await program.run(["-version"], descriptors: [], limits: limits, doing: doing) { bytes in
            collected.withLock { $0 += bytes.prefix(4096 - min($0.count, 4096)) }
        }
        guard end.isSuccess else { throw MediaError(.toolFailed, doing: doing, reason: end.text) }
        let words = String(decoding: collected.withLock { $0 }, as: UTF8.self)
            .prefix { !$0.isNewline }.split(separator: " ")
        guard let place = words.firstIndex(of: "version"), words.count > place + 1 else {
            throw MediaError(.toolFailed, doing: doing, reason: "it is not \(tool.rawValue): it tells no version")
        }
        return String(words[place + 1])
    }
}
