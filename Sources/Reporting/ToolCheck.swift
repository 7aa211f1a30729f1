internal import Media
internal import Settings
internal import Vocabulary

/// The programs that probe and mux.
struct ToolCheck: Sendable {
    let mux: MuxSettings
    /// Whether any source brings screens: without, nothing is muxed.
    let isNeeded: Bool

    var checks: [Check] {
        MediaTools.Tool.allCases.map { tool in
            Check(late: failure(tool, "did not answer.")) {
                let tools = MediaTools(ffmpeg: mux.ffmpeg, ffprobe: mux.ffprobe)
                do throws(MediaError) {
                    let version = try await tools.version(of: tool, within: SiteCheck.patience)
                    return [CheckFinding(.ok, tool.rawValue, "\(path(of: tool)), version \(version)")]
                        + confinement(of: tool)
                } catch {
                    return [failure(tool, "\(error.reason).")]
                }
            }
        }
    }

    /// Of all tools, told with the first: one that reads what strangers made may be taken over by it.
    private func confinement(of tool: MediaTools.Tool) -> [CheckFinding] {
        guard tool == .ffmpeg, let gap = Confinement.tried().gap else { return [] }
        return [
            CheckFinding(
                .warn, tool.rawValue, "Were it taken over by what it reads, \(gap).",
                hint: "Use a kernel with Landlock and seccomp, in a sandbox that lets a process confine itself.")
        ]
    }

    private func path(of tool: MediaTools.Tool) -> String {
        switch tool {
        case .ffmpeg: mux.ffmpeg.displayText
        case .ffprobe: mux.ffprobe.displayText
        }
    }

    private func failure(_ tool: MediaTools.Tool, _ what: String) -> CheckFinding {
        CheckFinding(
            isNeeded ? .fail : .warn, tool.rawValue, "\(path(of: tool)): \(what)",
            hint: "Install the package ffmpeg, or set mux.\(tool.rawValue); until then nothing is muxed.")
    }
}
