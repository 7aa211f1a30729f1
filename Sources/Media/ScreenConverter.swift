package import Vocabulary

/// A program of the site's that makes an mp4 of a screen in a format that only its maker knows (RECD).
///
/// It is run as ffmpeg is: without a shell, with both files as descriptors that it opens by the paths it is given, and
/// nothing else to open but programs and their libraries, with limits, and killed with all that it started. What it wrote
/// is for the caller to distrust like any screen.
package struct ScreenConverter: Sendable {
    private let tool: GuardedTool
    private let arguments: [String]
    private let limits: ToolLimits

    /// - Parameters:
    ///   - arguments: `{input}` and `{output}` in them stand for the paths of the files.
    ///   - limits: its deadline is how long a conversion may take.
    package init(program: FilePath, arguments: [String], limits: ToolLimits) {
        tool = GuardedTool(
            program: program, name: String(decoding: program.lastComponent, as: UTF8.self))
        self.arguments = arguments
        self.limits = limits
    }

    /// Both descriptors are lent; `output` is an empty file, open for writing.
    ///
    /// Throws ``MediaError``: `converterFailed`, `toolFailed`, `toolKilled` or `toolStarved` with what the converter said last,
    /// `timedOut`, and what running a tool can throw.
    package func convert(_ input: CInt, to output: CInt, role: String) async throws(MediaError) {
        let doing = "convert \(role)"
        let given = arguments.map { argument in
            argument.replacing("{input}", with: "/dev/fd/3").replacing("{output}", with: "/dev/fd/4")
        }
        let end = try await tool.run(given, descriptors: [input, output], limits: limits, doing: doing) { _ in }
        guard end.isSuccess else {
            throw end.failure(.converterFailed, doing: doing, tool: "the converter \(tool.name)")
        }
        guard let size = try regularSize(of: output, doing: doing), size > 0 else {
            throw MediaError(.toolFailed, doing: doing, reason: "the converter \(tool.name) wrote nothing")
        }
    }
}
