internal import FoundationEssentials
internal import Glibc
internal import Support

/// One measured number, with what it is compared with.
struct Figure: Codable, Sendable {
    var name: String
    var unit: String
    var value: Double
    /// The same of a peer, measured in the same run.
    var peer: Double?
    /// The best that anything could reach here: the least that the work takes, measured in the same run.
    var limit: Double?
    /// What the figure has to stay below. Nil: not promised.
    var bar: Double?
    /// What the figure has to reach. Nil: not promised.
    var least: Double?
    var holds: Bool? { bar.map { value < $0 } ?? least.map { value >= $0 } }

    init(
        _ name: String, _ unit: String, _ value: Double, peer: Double? = nil, limit: Double? = nil, bar: Double? = nil,
        least: Double? = nil
    ) {
        self.name = name
        self.unit = unit
        self.value = value
        self.peer = peer
        self.limit = limit
        self.bar = bar
        self.least = least
    }

    private enum CodingKeys: String, CodingKey { case name, unit, value, peer, limit, bar, least, holds }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(unit, forKey: .unit)
        try container.encode(value, forKey: .value)
        try container.encodeIfPresent(peer, forKey: .peer)
        try container.encodeIfPresent(limit, forKey: .limit)
        try container.encodeIfPresent(bar, forKey: .bar)
        try container.encodeIfPresent(least, forKey: .least)
        try container.encodeIfPresent(holds, forKey: .holds)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        unit = try container.decode(String.self, forKey: .unit)
        value = try container.decode(Double.self, forKey: .value)
        peer = try container.decodeIfPresent(Double.self, forKey: .peer)
        limit = try container.decodeIfPresent(Double.self, forKey: .limit)
        bar = try container.decodeIfPresent(Double.self, forKey: .bar)
        least = try container.decodeIfPresent(Double.self, forKey: .least)
    }
}

/// What a benchmark found, with the machine that it ran on.
struct BenchReport: Codable, Sendable {
    var benchmark: String
    /// What the peer of the figures is; nil where none was there.
    var peer: String?
    var cores: Int
    /// Load averages of a minute before and after: other work on the machine makes every figure worse.
    var loadBefore: Double
    var loadAfter: Double
    var figures: [Figure]

    var holds: Bool { figures.allSatisfy { $0.holds != false } }

    func write(to directory: String) throws {
        try ChildProcess.run(["/bin/mkdir", "-p", directory])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try writeSample(Array(try encoder.encode(self)) + [UInt8(ascii: "\n")], to: "\(directory)/\(benchmark).json")
    }

    /// For people: one line a figure.
    var table: String {
        let head = ["figure", "unit", "value", "peer", "limit", "bar", "holds"]
        let rows = figures.map(cells(of:))
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).enumerated().map { column, cell in
                let blanks = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 || column == 1 ? cell.0 + blanks : blanks + cell.0
            }.joined(separator: "  ")
        }
        let about = "\(cores) cores, load \(text(loadBefore)) before, \(text(loadAfter)) after"
        return
            ([line(head), line(widths.map { String(repeating: "-", count: $0) })] + rows.map(line)
            + [about] + (peer.map { ["peer: \($0)"] } ?? [])).joined(separator: "\n")
    }

    private func cells(of figure: Figure) -> [String] {
        let bar = figure.bar.map { "< " + text($0) } ?? figure.least.map { ">= " + text($0) } ?? ""
        let holds = figure.holds.map { $0 ? "yes" : "NO" } ?? ""
        let others = [figure.peer, figure.limit].map { $0.map(text) ?? "" }
        return [figure.name, figure.unit, text(figure.value)] + others + [bar, holds]
    }

    private func text(_ value: Double) -> String {
        let digits = abs(value) >= 100 ? 0 : abs(value) >= 1 ? 2 : 4
        let scale = pow(10, Double(digits))
        let rounded = (value * scale).rounded() / scale
        return digits == 0 ? "\(Int(rounded))" : "\(rounded)"
    }
}

/// The load average of the last minute.
func load() -> Double {
    var average = 0.0
    return getloadavg(&average, 1) == 1 ? average : 0
}

/// A sample of numbers, sorted.
struct Distribution: Sendable {
    private let sorted: [Double]
    init(_ values: [Double]) { sorted = values.sorted() }
    var count: Int { sorted.count }

    /// The smallest value that `percent` of all do not exceed; zero where there is none.
    func percentile(_ percent: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
