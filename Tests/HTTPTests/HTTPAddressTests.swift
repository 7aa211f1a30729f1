import Testing

@testable import HTTP

@Suite struct HTTPAddressTests {
    @Test(arguments: [
        ("https://rws.example", "https://rws.example:443/"),
        ("HTTP://Host:8080/a/b?c=d&e", "http://host:8080/a/b?c=d&e"),
        ("https://[::1]:8443/x", "https://[::1]:8443/x"), ("http://h?q", "http://h:80/?q"),
    ])
    func `an address is taken apart, its origin in one form`(text: String, whole: String) {
        #expect(HTTPAddress(text)?.text == whole)
    }

    @Test(arguments: [
        "", "rws.example/a", "ftp://h/", "https://", "https://u:p@h/", "https://h:0/", "https://h:x/",
        "https://h/a b",
        "https://h/#f", "https://h\u{E9}/", "https://h\r\nX: y/", "https://h:70000/", "https:///a",
        "file:///etc/passwd",
        "https://h%2e/",
    ])
    func `anything else is no address`(text: String) { #expect(HTTPAddress(text) == nil) }

    @Test func `segments and parameters are escaped`() throws {
        let base = try #require(HTTPAddress("https://h/base/"))
        #expect(base.appending("a/b", "c d", "é").text == "https://h:443/base/a%2Fb/c%20d/%C3%A9")
        #expect(base.asking([("a b", "c&d=e+*")]).text == "https://h:443/base/?a%20b=c%26d%3De%2B%2A")
    }

    @Test func `links are resolved at the origin that showed them`() throws {
        let base = try #require(HTTPAddress("https://h:1/a?b"))
        #expect(base.resolving("/c?d")?.text == "https://h:1/c?d")
        #expect(base.resolving("https://other/c")?.origin.host == "other")
        #expect(base.resolving("//other/c") == nil && base.resolving("c") == nil)
    }
}

@Suite struct ExcerptTests {
    private func excerpt(_ text: String) -> String {
        HTTPAnswer(status: 500, headers: [:], body: Array(text.utf8)).excerpt
    }

    @Test func `markup, line ends and control characters are left out`() {
        #expect(excerpt("<html><h1>Not\nnow</h1>\u{7}\u{1B}[31m</html>") == "Not now …")
    }

    @Test func `what may be an id or a phone number is left out`() {
        #expect(
            excerpt("Recording 01ABCDEF9AES0001 of +420555123456 is gone") == "Recording … of … is gone")
        #expect(excerpt("Extension 104 is busy") == "… is busy")
    }

    @Test(arguments: [
        "jdoe", "Jane Doe", "'jdoe'", "\"Doe, Jane\"", "jane.doe@tenant.example", "TENANT\\\\jdoe", "agent7", "Žofie",
        "the-error",
        "error.json", "not/found",
    ])
    func `who or what a message names is left out, and what it says of that is told`(name: String) {
        #expect(
            excerpt(#"{"statusCode":6,"statusMessage":"User \#(name) was not found."}"#)
                == "statusCode … statusMessage User … was not found")
    }

    @Test func `a body of nothing that is known says nothing`() { #expect(excerpt("01ABCDEF Novák 555") == "") }

    @Test func `it is short, whatever comes`() {
        #expect(excerpt(String(repeating: "error ", count: 9999)).count == 200)
    }
}
