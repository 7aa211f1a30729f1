import Catalogs
import Postgres
import Support
import Testing
import Vocabulary

@Suite struct SourceNotificationTests {
    @Test(arguments: CallrecSchema.allCases)
    func `the trigger is found where it is, and fires`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        #expect(try await isInstalled(fixture) == false)
        let script = try OperatorScripts.text("source-notify.sql")
        // Twice: it may be repeated.
        try await fixture.run(script)
        try await fixture.run(script)
        #expect(try await isInstalled(fixture))
        try await fixture.run("alter table callrec.couples disable trigger takeup_recording_update")
        #expect(try await isInstalled(fixture) == false)
    }

    @Test(.timeLimit(.minutes(5)), arguments: CallrecSchema.allCases)
    func `it tells of what is ready, and is silent else`(_ schema: CallrecSchema) async throws {
        let fixture = try await CatalogFixture(schema)
        try await fixture.run(try OperatorScripts.text("source-notify.sql"))
        let heard = Heard(fixture.scratch.settings())
        try await heard.begin()
        let built = try await fixture.builder.add(RecordingSample("s").state("EXT_DATA_SAVED").media(sound))
        let id = built.id
        let tag = """
            insert into callrec.voice_tags (cfileid, phraseid)
            select f.id, s.phraseid from callrec.cfiles f, callrec.speech_phrases s
            """
        let steps: [(sql: String, isHeard: Bool)] = [
            ("insert into callrec.couple_extdata (cplid, key, value) values (\(id), 'early', '1')", false),
            ("update callrec.couples set callingnr = '5'", false),
            ("update callrec.couples set state = 'FINISHED'", true),
            ("insert into callrec.couple_extdata (cplid, key, value) values (\(id), 'note', '1')", true),
            ("update callrec.couple_extdata set value = '2' where key = 'note'", true),
            ("delete from callrec.couple_extdata where key = 'note'", true),
            ("insert into callrec.cfiles (cplid, cftype, cfsize, cfpath) values (\(id), 'RECD', 1, '/r')", true),
            ("update callrec.cfiles set cfpath = '/s' where cftype = 'RECD'", true),
            ("delete from callrec.cfiles where cftype = 'RECD'", true),
            ("insert into callrec.speech_phrases (phrase_text) values ('hello')", false),
            (tag, true), ("delete from callrec.voice_tags", true),
            ("update callrec.couples set callingnr = '6'", true),
            ("update callrec.couples set synchronized = 'S'", false),
            // After the mark: what comes and what changes, not what goes, and not what the recorder's own tools write.
            ("update callrec.couples set callingnr = '7'", true),
            ("update callrec.couples set callingnr = '7'", false),
            ("insert into callrec.couple_extdata (cplid, key, value) values (\(id), 'late', '1')", true),
            ("update callrec.couple_extdata set value = '2' where key = 'late'", true),
            (tag, true), ("update callrec.voice_tags set from_time = 3", true),
            ("delete from callrec.voice_tags", false),
            ("delete from callrec.couple_extdata where key = 'late'", false),
            ("insert into callrec.cfiles (cplid, cftype, cfsize, cfpath) values (\(id), 'RECD', 1, '/r')", true),
            ("delete from callrec.cfiles", false),
            ("update callrec.couples set deleted = 'D', archived = 'A'", false),
            ("update callrec.couples set synchronized = 'N'", false),
            ("update callrec.couples set synchronized = null", false),
            ("delete from callrec.couples", false),
        ]
        for step in steps {
            try await fixture.run(step.sql)
            // What stands between two marks of ours was heard of this step alone.
            let payloads = try await heard.until("end", sentBy: fixture.database)
            #expect(Set(payloads) == (step.isHeard ? [String(id)] : []), "\(step.sql)")
        }
    }

    @Test(.timeLimit(.minutes(5))) func `our own mark is not told of`() async throws {
        let looked = try await SourceMarkingTests.Looked(.new)
        try await looked.fixture.run(try OperatorScripts.text("source-notify.sql"))
        let heard = Heard(looked.fixture.scratch.settings())
        try await heard.begin()
        #expect(try await looked.mark() == .marked)
        #expect(try await heard.until("end", sentBy: looked.fixture.database).isEmpty)
    }

    private func isInstalled(_ fixture: CatalogFixture) async throws -> Bool {
        try await fixture.database.perform { try SourceNotification.isInstalled(on: $0) }
    }

    /// What was heard on the channel.
    private final class Heard {
        private let listener: Listener
        private var iterator: AsyncStream<[ListenerEvent]>.Iterator

        init(_ settings: ConnectionSettings) {
            listener = Listener(settings, channels: [SourceNotification.channel])
            iterator = listener.events.makeAsyncIterator()
        }

        func begin() async throws { #expect(await iterator.next(isolation: #isolation) == [.connected]) }

        /// Sends a last word and gives what came before it.
        func until(_ word: String, sentBy database: Database) async throws -> [String] {
            try await database.perform { session in
                try session.query("select pg_notify($1, $2)", [.text(SourceNotification.channel), .text(word)])
            }
            var payloads: [String] = []
            while let events = await iterator.next(isolation: #isolation) {
                for event in events {
                    guard case .notified(_, let payload) = event else { continue }
                    if payload == word { return payloads }
                    payloads.append(payload)
                }
            }
            return payloads
        }
    }
}
