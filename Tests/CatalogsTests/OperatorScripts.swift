import Foundation
import Testing

/// What operators install, as it ships.
enum OperatorScripts {
    static func text(_ name: String) throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("units/sql/\(name)"), encoding: .utf8)
    }
}
