@testable import Postgres
import Support
import Testing
import Vocabulary

@Suite struct ValueTests {
    static let texts = [
        "", " ", "plain", "it's", "say \"so\"", "back\\slash", "\\x41", "new\nline\ttab", "Zákazník 客户 🎧", "NULL",
        "{a,b}",
        "$1", "%s", "é", "e\u{301}",
    ]

    @Test(arguments: texts) func `text comes back as it was`(_ text: String) async throws {
        let row = try await ask("select $1::text as value", [.text(text)])
        #expect(try row.raw("value") == Array(text.utf8))
    }

    @Test func `arrays of texts come back, with quotes, commas and NULLs`() async throws {
        let texts: [String?] = ValueTests.texts + [nil, "a,b", "}", "null"]
        let row = try await ask("select $1::text[] as value", [.texts(texts)])
        let elements = try #require(try row.optionalArray("value"))
        #expect(elements == texts.map { $0.map { Array($0.utf8) } })
        let empty = try await ask("select '{}'::text[] as value, null::text[] as none", [])
        #expect(try empty.optionalArray("value") == [])
        #expect(try empty.optionalArray("none") == nil)
    }

    @Test func `an array of more dimensions is no list`() async throws {
        let row = try await ask("select '{{a},{b}}'::text[] as value", [])
        #expect(throws: PostgresError.self) { try row.optionalArray("value") }
    }

    @Test(arguments: [[], [0], [7, -1, .max, .min]] as [[Int64]])
    func `arrays of integers arrive`(_ numbers: [Int64]) async throws {
        let row = try await ask(
            "select coalesce(array_length($1::bigint[], 1), 0) as number, ($1::bigint[])::text[] as value",
            [.integers(numbers)])
        #expect(try row.integer("number") == Int64(numbers.count))
        let elements = try #require(try row.optionalArray("value"))
        #expect(elements == numbers.map { Array(String($0).utf8) })
    }

    @Test func `bytes come back, every one of them`() async throws {
        let bytes = (0...255).map { UInt8($0) }
        let row = try await ask("select $1::bytea as value, length($1::bytea) as number", [.bytes(bytes)])
        #expect(try row.bytes("value") == bytes)
        #expect(try row.integer("number") == 256)
    }

    @Test(arguments: [.min, -1, 0, 1, .max] as [Int64]) func `integers come back`(_ number: Int64) async throws {
        #expect(try await ask("select $1::bigint as value", [.integer(number)]).integer("value") == number)
    }

    @Test(arguments: [0, -0.1, 0.1, 1e300, 2.5e-308, 123_456_789.123_456_78] as [Double])
    func `real numbers come back to the last digit`(_ number: Double) async throws {
        #expect(try await ask("select $1::float8 as value", [.real(number)]).real("value") == number)
    }

    @Test(
        arguments: [
            0, 1, -1, 999_999, 1_000_000, -1_000_001, 1_795_176_000_123_456, -62_135_596_800_000_000 + 1,
            253_402_300_799_999_999,
        ] as [Int64])
    func `times come back to the microsecond, before and after 1970`(_ microseconds: Int64) async throws {
        let row = try await ask(
            """
            select \(SQL.microseconds("$1::timestamp")) as wall, \(SQL.microseconds("$2::timestamptz")) as instant
            """, [Value(WallTime(microseconds: microseconds)), Value(Instant(microseconds: microseconds))])
        #expect(try row.optionalWallTime("wall")?.microseconds == microseconds)
        #expect(try row.instant("instant").microseconds == microseconds)
    }

    @Test func `spans, digests, truth and nothing arrive`() async throws {
        let row = try await ask(
            """
            select extract(epoch from $1::interval)::float8 as seconds, $2::bytea is null as nothing, $3::boolean as yes,
                $4::boolean as no
            """, [Value(.milliseconds(1500)), Value(nil as Digest?), true, false])
        #expect(try row.real("seconds") == 1.5)
        #expect(try row.boolean("nothing"))
        #expect(try row.boolean("yes"))
        #expect(try row.boolean("no") == false)
    }

    @Test func `a column that is not there, or not of the type, says so without the value`() async throws {
        let row = try await ask("select '0123456789' as number, null::text as nothing, 'x' as letter", [])
        let errors = [
            #expect(throws: PostgresError.self) { try row.text("missing") },
            #expect(throws: PostgresError.self) { try row.text("nothing") },
            #expect(throws: PostgresError.self) { try row.integer("letter") },
            #expect(throws: PostgresError.self) { try row.boolean("number") },
            #expect(throws: PostgresError.self) { try row.bytes("number") },
        ]
        for error in errors {
            #expect(error?.code == .schema)
            #expect(error?.description.contains("0123456789") == false)
        }
    }

    private func ask(_ sql: String, _ values: [Value]) async throws -> Row {
        let database = try await ScratchDatabase()
        let row = try await database.connect().perform { try $0.first(sql, values) }
        return try #require(row)
    }
}
