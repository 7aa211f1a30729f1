import Catalogs
import Postgres
import Support
import Vocabulary

/// A catalog of one generation, and what puts recordings into it.
struct CatalogFixture {
    let scratch: ScratchDatabase
    let database: Database
    let builder: CatalogBuilder

    init(_ schema: CallrecSchema) async throws { try await self.init(schema.template) }

    init(_ template: ScratchTemplate) async throws {
        scratch = try await ScratchDatabase(template)
        database = scratch.connect(label: "catalog", connections: 3)
        builder = try await CatalogBuilder(database)
    }

    func source(zone: String = "Europe/Prague") async throws -> SourceCatalog {
        try await database.perform { try SourceCatalog(source: "north", timeZone: zone, reading: $0) }
    }

    func replay() async throws -> ReplayCatalog { try await database.perform { try ReplayCatalog(reading: $0) } }

    /// One value of one row, as text.
    func value(_ sql: String) async throws -> String? {
        try await database.perform { try $0.first("select (\(sql))::text as value")?.optionalText("value") }
    }

    func run(_ sql: String) async throws { try await database.perform { try $0.script(sql) } }
}

extension SourceName: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(rawValue: text) }
}

extension Sid: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(rawValue: text) }
}

extension FilePath: ExpressibleByStringLiteral {
    package init(stringLiteral text: String) { self.init(text) }
}

extension WallTime {
    /// Seconds later.
    static func + (time: WallTime, seconds: Int64) -> WallTime {
        WallTime(microseconds: time.microseconds + seconds * 1_000_000)
    }
}

extension SourceQuery {
    /// The day of the samples.
    static let thatDay = SourceQuery(
        lower: RecordingSample.noon + -43_200, upper: RecordingSample.noon + 43_200)

    var newestFirst: SourceQuery {
        var query = self
        query.order = .newestFirst
        return query
    }

    func marks(_ marks: WantedMarks) -> SourceQuery {
        var query = self
        query.marks = marks
        return query
    }
}

let sound = MediaSample(.audio, "/opt/callrec/data/calls/20261120/a.mp3", size: 4711, crc32: 0xfedc_ba98)
let screen = MediaSample(.video, "/opt/callrec/data/screens/20261120/a.mp4", size: 9999)
