import Glibc
import Vocabulary

@testable import Settings

/// The names of the suites that stand in `Tests`.
enum TestSuites {
    static func all() throws -> Set<String> {
        let root = packageFile("Tests")
        var names: Set<String> = []
        for folder in try entries(of: root) {
            for file in (try? entries(of: root.appending(folder))) ?? [] where file.hasSuffix(".swift") {
                let bytes = try SettingsEnvironment.ofProcess().readFile(root.appending(folder).appending(file))
                for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
                    guard let mark = line.firstRange(of: "struct ") else { continue }
                    let name = line[mark.upperBound...].prefix { $0.isLetter || $0.isNumber }
                    if name.hasSuffix("Tests") { names.insert(String(name)) }
                }
            }
        }
        return names
    }

    private static func entries(of path: FilePath) throws -> [String] {
        guard let directory = opendir(path.displayText) else { throw UnreadableFile(reason: "no directory") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}
