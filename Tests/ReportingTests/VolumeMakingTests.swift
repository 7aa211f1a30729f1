import Files
import Reporting
import Settings
import Support
import Testing
import Vocabulary

@Suite struct VolumeMakingTests {
    @Test func `a directory is made a volume once`() async throws {
        let site = try await Site()
        let path = FilePath("\(site.home)/screens")
        let first = try VolumeMaking.make(at: path, settings: nil)
        let second = try VolumeMaking.make(at: path, settings: nil)
        #expect(!first.wasThere && second.wasThere)
        #expect(first.id == second.id)
        #expect(first.text(settings: nil).contains("name = \"screens\"\npath = \"\(site.home)/screens\""))
        #expect(second.text(settings: nil).hasPrefix("\(site.home)/screens is a volume already"))
        #expect(first.isMountPoint == false && first.doubt != nil)
    }

    @Test func `the settings say which volume it is`() async throws {
        let site = try await Site()
        let settings = try site.settings()
        let made = try VolumeMaking.make(at: FilePath("\(site.home)/a"), settings: settings)
        #expect(made.text(settings: settings).hasSuffix("The settings have it as volume a."))
    }

    @Test(arguments: [
        ("rec/calls/x", "lies inside"), ("nowhere", "is not there"), ("takeup.toml", "is not a directory"),
    ])
    func `what can't be a volume is refused in a sentence`(name: String, reason: String) async throws {
        let site = try await Site()
        _ = try site.write()
        let settings = try site.settings()
        let refusal = #expect(throws: VolumeMaking.Refusal.self) {
            try VolumeMaking.make(at: FilePath("\(site.home)/\(name)"), settings: settings)
        }
        #expect(refusal?.description.contains(reason) == true)
    }

    @Test func `a relative path is refused`() {
        #expect(throws: VolumeMaking.Refusal.self) { try VolumeMaking.make(at: FilePath("a"), settings: nil) }
    }
}
