/// How important an event is: the numbers of syslog(3), lower is more important.
package enum Priority: Int, CaseIterable, Comparable, Sendable {
    case emergency = 0
    case alert, critical, error, warning, notice, info, debug

    package static func < (one: Priority, other: Priority) -> Bool { one.rawValue < other.rawValue }

    package var word: String {
        switch self {
        case .emergency: "emergency"
        case .alert: "alert"
        case .critical: "critical"
        case .error: "error"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        case .debug: "debug"
        }
    }

    /// From the word that people type.
    package init?(word: String) {
        guard let found = Priority.allCases.first(where: { $0.word == word }) else { return nil }
        self = found
    }
}
