import Postgres
import Support
import Testing

@Suite struct PostgresErrorTests {
    @Test(arguments: [
        "host=/nowhere dbname=x password=geheim1234 oops", "postgresql://user:geheim1234@host:notaport/db",
        "host=x password='geheim1234", "postgresql://u:geheim1234@[::1/db",
    ])
    func `a connection string that cannot be read is refused without a word of it`(_ string: String) async throws {
        let error = await #expect(throws: PostgresError.self) {
            try await Database(ConnectionSettings(connectionString: string, label: "replay")).perform { _ in }
        }
        let text = try #require(error?.description)
        #expect(!text.contains("geheim1234"))
        #expect(text.contains("replay"))
    }

    @Test(arguments: ["wrong geheim1234", ""]) func `a wrong password is refused and not repeated`(
        _ password: String
    ) async throws {
        let database = try await withPasswordRole()
        var settings = database.settings()
        settings.connectionString = "host=\(database.cluster.directory) dbname=\(database.name) user=needs_password"
        settings.password = password.isEmpty ? nil : password
        let wrong = settings
        let error = await #expect(throws: PostgresError.self) { try await Database(wrong).perform { _ in } }
        #expect(error?.description.contains("geheim1234") == false)
        #expect(error?.code == (password.isEmpty ? .unreachable : .permission))
        settings.password = ScratchCluster.rolePassword
        let right = settings
        let user = try await Database(right).perform { try $0.first("select current_user::text as name")?.text("name") }
        #expect(user == "needs_password")
    }

    @Test func `values stay out of what the server refuses`() async throws {
        let database = try await ScratchDatabase(
            ScratchTemplate(
                name: "phone numbers",
                scripts: [
                    """
                    create table n (phone text unique, age int check (age < 200));
                    create function no() returns trigger language plpgsql as
                        $$ begin raise exception 'row 420123456789 is protected, rule 12'; end $$;
                    create trigger no before delete on n for each row execute procedure no();
                    insert into n values ('420123456789', 1)
                    """
                ])
        ).connect()
        let statements = [
            "insert into n values ('420123456789', 1)", "insert into n values ('x', 420123)",
            "insert into n (age) values ('420123456789x')", "delete from n", "select '420123456789'::date",
        ]
        for sql in statements {
            let error = await #expect(throws: PostgresError.self) { try await database.perform { try $0.execute(sql) } }
            #expect(error?.description.contains("420123") == false, "\(sql)")
        }
        let error = await #expect(throws: PostgresError.self) {
            try await database.perform { try $0.execute("delete from n") }
        }
        #expect(error?.code == .refused)
        #expect(error?.message == "row # is protected, rule 12")
    }

    private func withPasswordRole() async throws -> ScratchDatabase {
        let database = try await ScratchDatabase()
        let script = """
            set password_encryption = 'scram-sha-256';
            do $$ begin
                create role \(ScratchCluster.passwordRole) login password '\(ScratchCluster.rolePassword)';
            exception when duplicate_object or unique_violation then null; end $$
            """
        try await database.connect().perform { try $0.script(script) }
        return database
    }
}
