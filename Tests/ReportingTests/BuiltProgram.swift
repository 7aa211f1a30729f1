import Files
import Glibc
import Support
import Vocabulary

/// The built program, run as a person would.
enum BuiltProgram {
    struct Run {
        let code: Int
        let text: String
    }

    /// Beside the bundle of these tests.
    static func path() throws -> String {
        let map = try FileText.file("/proc/self/maps")
        let bundle = map.split(separator: "\n").compactMap { line in line.split(separator: " ").last }
            .first { $0.hasSuffix(".xctest") }
        guard let bundle, let cut = bundle.lastIndex(of: "/") else {
            throw SiteFailure(description: "no test bundle is loaded")
        }
        return bundle[..<cut] + "/takeup"
    }

    /// What it says goes to one text, whatever it goes to.
    static func run(_ arguments: String...) throws -> Run { try run(arguments) }

    static func run(_ arguments: [String]) throws -> Run {
        let output = "/tmp/takeup-command-\(getpid())-\(UInt64.random(in: 0 ... .max))"
        defer { unlink(output) }
        let code = try ChildProcess([path()] + arguments, outputPath: output).wait()
        return Run(code: code, text: try FileText.file(output))
    }
}

extension Site {
    /// A directory that is a volume.
    func volume(_ name: String) throws -> String {
        mkdir("\(home)/\(name)", 0o755)
        let root = try KernelFiles().openRoot(FilePath("\(home)/\(name)"))
        _ = try VolumeMarker.create(in: root.descriptor)
        return "\(home)/\(name)"
    }
}
