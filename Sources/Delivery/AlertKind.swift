/// Alerts that the ledger keeps. The raw value is what it holds.
enum AlertKind: String, CaseIterable, Sendable {
    case watermark, floor, unavailable, spilled, overflow
    case allFull = "all-full"
    case filling
    /// It looks as if it were filling; told when that has lasted.
    case fillingAhead = "filling-ahead"
    case backlog

    /// From one telling to the next; nil where it is told once.
    var reminder: Duration? {
        switch self {
        case .watermark, .filling, .backlog: .seconds(24 * 3600)
        case .floor, .overflow, .unavailable: .seconds(6 * 3600)
        case .allFull: .seconds(3600)
        case .spilled, .fillingAhead: nil
        }
    }
}
