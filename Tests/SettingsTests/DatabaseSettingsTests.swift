import Testing
import Vocabulary

@testable import Settings

@Suite struct DatabaseSettingsTests {
    private func connection(_ text: String) -> ConnectionText? {
        if case .value(let connection) = ConnectionText.read(text) { connection } else { nil }
    }

    @Test(arguments: [
        ("dbname=callrec", "localhost:5432"), ("host=/run/postgresql dbname=callrec", "localhost:5432"),
        ("host = '/var/run/postgresql/' port=5432 dbname = callrec", "localhost:5432"),
        ("host=127.0.0.1 dbname=callrec", "localhost:5432"), ("postgresql:///callrec", "localhost:5432"),
        ("postgres://me:secret@[::1]:5432/callrec", "localhost:5432"),
        ("host=/tmp/cluster port=6000 dbname=callrec", "/tmp/cluster:6000"),
        ("host=Rec-B.Example. dbname=callrec", "rec-b.example:5432"),
        ("host=name hostaddr=10.0.0.1 dbname=callrec", "10.0.0.1:5432"),
        ("postgresql://%2Frun%2Fpostgresql/callrec?application_name=x", "localhost:5432"),
    ])
    func `one server has one spelling`(text: String, address: String) throws {
        let identity = try #require(connection(text)?.identity)
        #expect(identity.addresses == [address])
        #expect(identity.name == "callrec")
    }

    @Test func `servers that libpq may choose from are each the same`() throws {
        let several = try #require(connection("host=a,b port=5432,6000 dbname=callrec")).identity
        let one = try #require(connection("host=b port=6000 dbname=callrec")).identity
        let other = try #require(connection("host=b dbname=callrec")).identity
        #expect(several.isSame(as: one) && !several.isSame(as: other))
    }

    @Test(arguments: [
        "host=a", "host=a dbname=", "callrec", "host=a dbname='open", "host=a dbname=x\\", "HOST=a dbname=x",
        "postgresql://a/%zz", "host=a dbname=x sslpassword=s",
    ])
    func `what is no connection string is refused`(text: String) {
        #expect(connection(text) == nil)
    }

    @Test func `a connection string survives being taken apart`() throws {
        let read = try #require(connection(#"host='my host' dbname=call\ rec options='-c x=\'y\\z\'' user="#))
        #expect(read["host"] == "my host" && read["dbname"] == "call rec" && read["user"] == "")
        #expect(read["options"] == #"-c x='y\z'"#)
        #expect(connection(read.text)?.parameters.map(\.value) == read.parameters.map(\.value))
    }

    @Test func `a password in the file is taken out, warned about and never printed`() throws {
        let text = small().replacing("host=rec.example", with: "host=rec.example password='hunter 2'")
        let settings = try load(text)
        let database = settings.sources[0].database
        #expect(database.conninfo == "host=rec.example dbname=callrec")
        #expect(try database.password(in: environment())?.reveal() == "hunter 2")
        #expect(settings.warnings.map(\.key) == ["sources[0].database"])
        var dumped = ""
        dump(settings, to: &dumped)
        #expect(!("\(settings)" + String(reflecting: settings) + dumped).contains("hunter"))
    }

    @Test(arguments: [
        "host=rec.example password=hunter2", "host=rec.example dbname=x sslpassword=hunter2", "hunter2",
        "postgresql://u:hunter2@rec.example", "host=rec.example dbname=x password='hunter2",
    ])
    func `a refused connection string is not repeated`(written: String) {
        let found = problems(small().replacing("host=rec.example dbname=callrec", with: written))
        #expect(found.count == 1)
        #expect(found.allSatisfy { !$0.description.contains("hunter") })
    }

    @Test(arguments: [
        ("password_file = \"/etc/pw\"", "from file"), ("password_credential = \"db\"", "from credential"),
        ("", "none"),
    ])
    func `a password comes from a file or a credential`(source: String, expected: String) throws {
        let environment = environment(
            ["CREDENTIALS_DIRECTORY": "/run/credentials/x"],
            files: ["/etc/pw": "from file\n", "/run/credentials/x/db": "from credential"])
        let database = try load(small(source: source), in: environment).sources[0].database
        #expect(try database.password(in: environment)?.reveal() ?? "none" == expected)
    }

    @Test func `the environment wins`() throws {
        let environment = environment([
            "TAKEUP_SOURCE_ONE_PASSWORD": "from environment", "TAKEUP_REPLAY_PASSWORD": "replay's",
        ])
        let settings = try load(small(source: "password_file = \"/etc/pw\""), in: environment)
        #expect(try settings.sources[0].database.password(in: environment)?.reveal() == "from environment")
        #expect(try settings.replay.database.password(in: environment)?.reveal() == "replay's")
    }

    @Test func `two places for one password are refused`() {
        let found = problems(small(source: "password_file = \"/etc/pw\"\npassword_credential = \"db\""))
        #expect(found.map(\.what) == ["the password is given more than once"])
    }

    @Test func `a password that cannot be fetched says from where`() throws {
        let missing = PasswordOrigin.file(FilePath("/etc/pw"))
        let error = #expect(throws: SecretError.self) { try missing.fetch(in: environment()) }
        #expect(error?.description == "read a secret from /etc/pw: No such file or directory")
        #expect(throws: SecretError.self) { try PasswordOrigin.credential("db").fetch(in: environment()) }
    }

    @Test func `a directory or a pipe is no settings file`() {
        let machine = SettingsEnvironment.ofProcess()
        #expect(throws: UnreadableFile.self) { try machine.readFile(FilePath("/")) }
        #expect(throws: UnreadableFile.self) { try machine.readFile(FilePath("/dev/null")) }
    }
}
