internal import CLibcrypto

/// Lends a BIO that reads `bytes`.
func withMemoryReader<Result>(_ bytes: UnsafeRawBufferPointer, _ body: (OpaquePointer?) -> Result) -> Result {
    let reader = BIO_new_mem_buf(bytes.baseAddress, CInt(clamping: bytes.count))
    defer { BIO_free(reader) }
    return body(reader)
}

/// What libcrypto says of the last failure on this thread. Takes it from the thread's queue.
func cryptoReason() -> String {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    guard let text = ERR_reason_error_string(code) else { return "no reason given" }
    return String(cString: text)
}

/// An integer of ASN.1 in hexadecimal, as certificates' serial numbers are written.
func hexadecimal(_ integer: UnsafePointer<ASN1_INTEGER>?) -> String {
    guard let integer, let number = ASN1_INTEGER_to_BN(integer, nil) else { return "?" }
    defer { BN_free(number) }
    guard let text = BN_bn2hex(number) else { return "?" }
    defer { CRYPTO_free(text, #file, #line) }
    return String(cString: text)
}
