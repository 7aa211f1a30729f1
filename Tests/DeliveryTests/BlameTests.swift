import Catalogs
import Copying
import Delivery
import Files
import Glibc
import Postgres
import Testing

@Suite struct BlameTests {
    private static let outages: [CopyError.Code] = [
        .volumeFull, .inodes, .quota, .volumeReadOnly, .volumeAbsent, .digestMismatch, .durability, .nameConflict,
        .notPermitted, .timeout, .inputOutput, .leaseLost, .cancelled, .exhausted,
    ]
    private static let own: [CopyError.Code] = [
        .sourceMissing, .sourceChanged, .sourceUnreadable, .sourceEscapes, .crcMismatch, .unsupportedName,
    ]

    @Test(arguments: outages)
    func `an outage of volume, lease or machine is never the recording's fault`(code: CopyError.Code) {
        #expect(Blame(CopyError(code, at: .copy)) == .surroundings)
    }

    @Test(arguments: own)
    func `what is wrong with the file itself is`(code: CopyError.Code) {
        #expect(Blame(CopyError(code, at: .copy)) == .recording)
    }

    @Test func `a volume that can give no file its name refuses every file, whosever it is`() {
        let link = FileError(.linkName, number: EPERM)
        #expect(Blame(CopyError(volume: link, at: .publish)) == .surroundings)
        #expect(Blame(CopyError(volume: FileError(.linkName, number: ENAMETOOLONG), at: .publish)) == .recording)
        #expect(Blame(CopyError(volume: FileError(.linkName, number: EILSEQ), at: .publish)) == .recording)
    }

    @Test(arguments: [FileError.Code.timeout, .exhausted, .stale, .interrupted, .busy])
    func `a mount that does not answer is not the file's fault`(code: FileError.Code) {
        let error = FileError(code, doing: "read")
        #expect(Blame(reading: error) == .surroundings)
        #expect(Blame(CopyError(.sourceUnreadable, at: .copy, cause: error)) == .surroundings)
    }

    @Test(arguments: [FileError.Code.inputOutput, .notPermitted, .escapes, .other])
    func `a file that its mount does not give is`(code: FileError.Code) {
        #expect(Blame(reading: FileError(code, doing: "read")) == .recording)
    }

    @Test(arguments: [
        PostgresError.Code.unreachable, .connectionLost, .commitUnknown, .conflict, .timeout, .permission,
        .badSettings, .schema, .resources, .other,
    ])
    func `a database that is away, or lets nobody in, refuses no recording`(code: PostgresError.Code) {
        #expect(Blame(committing: PostgresError(code: code, doing: "commit", message: "")) == .surroundings)
    }

    @Test(arguments: [PostgresError.Code.refused, .badValue, .uniqueViolation])
    func `rows that a database refuses are the recording's`(code: PostgresError.Code) {
        #expect(Blame(committing: PostgresError(code: code, doing: "commit", message: "")) == .recording)
    }

    @Test func `a catalog that is not as it should be is no recording's fault, a path that it cannot hold is`() {
        for code in [CatalogError.Code.tables, .identities, .gone, .transaction] {
            #expect(Blame(committing: CatalogError(code: code, sentence: "")) == .surroundings)
        }
        for code in [CatalogError.Code.path, .ignored] {
            #expect(Blame(committing: CatalogError(code: code, sentence: "")) == .recording)
        }
        #expect(Blame(committing: CancellationError()) == .surroundings)
    }
}
