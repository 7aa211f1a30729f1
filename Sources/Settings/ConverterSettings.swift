package import Vocabulary

/// A program that makes mp4 of screens in RECD.
package struct ConverterSettings: Hashable, Sendable {
    package let program: FilePath
    /// `{input}` and `{output}` stand for the files.
    package let arguments: [String]
    package let timeout: Duration
}

extension ConverterSettings {
    static let inputMark = "{input}"
    static let outputMark = "{output}"

    /// Nil where there is none: then RECD alone is not muxable.
    static func read(from reader: inout SectionReader) -> ConverterSettings? {
        let command = reader.optional(
            "recd_converter", .texts(3...100), example: ["/opt/recd/convert", "{input}", "{output}"],
            "Program and arguments that make an mp4 of a screen in RECD; {input} and {output} stand for the files. It is run "
                + "without a shell and opens nothing else. Without, recordings whose screens are RECD alone are not muxed."
        )
        let timeout = reader.value(
            "recd_converter_timeout", .duration(.seconds(1)...(.seconds(86_400))), standard: .seconds(1800),
            "How long it may take for one screen.")
        guard let command, let program = command.first, !reader.findings.isDescribing else { return nil }
        func refuse(_ what: String, _ hint: String) {
            reader.findings.refuse(
                reader.path(of: "recd_converter"), what, hint: hint,
                line: reader.findings.line(of: reader.path(of: "recd_converter")))
        }
        if !FilePath(program).isAbsolute || FilePath(program).climbs {
            refuse("recd_converter begins with no absolute path", "Write the whole path of the program first")
        }
        for mark in [inputMark, outputMark] where command.dropFirst().count(where: { $0.contains(mark) }) != 1 {
            refuse(
                "recd_converter does not have \(mark) in one argument", "Write \(mark) where the file's path belongs")
        }
        return ConverterSettings(program: FilePath(program), arguments: Array(command.dropFirst()), timeout: timeout)
    }
}
