import Testing

@testable import Planning

@Suite struct ServiceVersionTests {
    @Test(arguments: [
        ("8.5.201.13", false), ("8.5.201.14", true), ("8.5.201.90", true), ("8.5.200.50", false), ("8.5.210.02", true),
        ("9.0", true), ("8.10.1", true), ("8.5", false), ("8.5.201.14-SNAPSHOT", true), ("8.5.201.14.0", true),
    ])
    func `a version knows the mark of screens from 8-5-201-14 on`(text: String, knows: Bool) throws {
        let version = try #require(ServiceVersion(text))
        #expect((version >= .knowsScreenMark) == knows)
    }

    @Test(arguments: ["", "unknown", "-1", ".5"])
    func `what begins with no number is no version`(text: String) { #expect(ServiceVersion(text) == nil) }

    @Test func `zeros at the end make no difference`() { #expect(ServiceVersion("8.5") == ServiceVersion("8.5.0.0")) }
}
