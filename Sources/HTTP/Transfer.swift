internal import CLibcurl
internal import Glibc
internal import Vocabulary

/// One request on its way, on its own thread.
final class Transfer {
    private let request: HTTPRequest
    private let doing: String
    private let sink: HTTPClient.Sink?
    private let cancelled: CancelFlag
    private var status = 0
    private var headers: [String: [String]] = [:]
    private var body: [UInt8] = []
    private var receivedCount: Int64 = 0
    private var sentCount: Int64 = 0
    private var ending: HTTPFailure.Code?

    /// Of a refusal's page so much is read and thrown away, so that the connection can be used again.
    private static let mostThrownAway: Int64 = 4 << 20

    init(_ request: HTTPRequest, doing: String, sink: HTTPClient.Sink?, cancelled: CancelFlag) {
        self.request = request
        self.doing = doing
        self.sink = sink
        self.cancelled = cancelled
    }

    func perform(on handle: Handle, login: HTTPClient.Login?, authorities: FilePath?) -> Result<
        HTTPAnswer, HTTPFailure
    > {
        let curl = handle.pointer
        curl_easy_reset(curl)
        var list: UnsafeMutablePointer<curl_slist>?
        defer { curl_slist_free_all(list) }
        for header in request.headers {
            list = curl_slist_append(list, "\(header.name): \(header.value)")
        }
        // An answer of 100 to wait for costs a second where a server does not know it.
        list = curl_slist_append(list, "Expect:")
        set(curl, CURLOPT_URL, request.address.text)
        setMethod(curl, &list)
        takeup_curl_set_headers(curl, list)
        setTrust(curl, authorities)
        setPatience(curl)
        if let login {
            // CURLAUTH_BASIC.
            takeup_curl_set_number(curl, CURLOPT_HTTPAUTH, 1)
            set(curl, CURLOPT_USERNAME, login.user)
            set(curl, CURLOPT_PASSWORD, login.password())
        }
        if request.createsSomething { takeup_curl_set_number(curl, CURLOPT_FRESH_CONNECT, 1) }
        let context = Unmanaged.passUnretained(self).toOpaque()
        takeup_curl_set_receiver(curl, receiveBody, receiveHeader, context)
        takeup_curl_set_progress(curl, askForCancel, context)
        let code = withExtendedLifetime(self) { curl_easy_perform(curl) }
        return result(of: code, curl)
    }

    private func set(_ curl: UnsafeMutableRawPointer, _ option: CURLoption, _ text: String) {
        takeup_curl_set_text(curl, option, text)
    }

    private func setMethod(
        _ curl: UnsafeMutableRawPointer, _ list: inout UnsafeMutablePointer<curl_slist>?
    ) {
        switch request.body {
        case .none: break
        case .bytes(let bytes, let type):
            list = curl_slist_append(list, "Content-Type: \(type)")
            takeup_curl_set_bytes(curl, bytes, curl_off_t(bytes.count))
        case .file(_, let byteCount):
            takeup_curl_set_number(curl, CURLOPT_UPLOAD, 1)
            takeup_curl_set_size(curl, CURLOPT_INFILESIZE_LARGE, curl_off_t(byteCount))
            takeup_curl_set_sender(curl, sendBody, seekBody, Unmanaged.passUnretained(self).toOpaque())
        }
        set(curl, CURLOPT_CUSTOMREQUEST, request.method)
        // No body follows the length that an answer to it names.
        if request.method == "HEAD" { takeup_curl_set_number(curl, CURLOPT_NOBODY, 1) }
    }

    private func setTrust(_ curl: UnsafeMutableRawPointer, _ authorities: FilePath?) {
        set(curl, CURLOPT_PROTOCOLS_STR, "http,https")
        takeup_curl_set_number(curl, CURLOPT_FOLLOWLOCATION, 0)
        takeup_curl_set_number(curl, CURLOPT_SSL_VERIFYPEER, 1)
        takeup_curl_set_number(curl, CURLOPT_SSL_VERIFYHOST, 2)
        // TLS 1.2 at least, and HTTP 1.1: macros of curl.h that Swift does not see.
        takeup_curl_set_number(curl, CURLOPT_SSLVERSION, 6)
        takeup_curl_set_number(curl, CURLOPT_HTTP_VERSION, 2)
        set(curl, CURLOPT_PROXY, "")
        if let authorities {
            takeup_curl_set_text(
                curl, CURLOPT_CAINFO, authorities.bytes.map { CChar(bitPattern: $0) } + [0])
            takeup_curl_set_text(curl, CURLOPT_CAPATH, nil)
        }
    }

    private func setPatience(_ curl: UnsafeMutableRawPointer) {
        let patience = request.patience
        takeup_curl_set_number(curl, CURLOPT_NOSIGNAL, 1)
        takeup_curl_set_number(
            curl, CURLOPT_CONNECTTIMEOUT_MS, Int(max(1, patience.connect.wholeMilliseconds)))
        takeup_curl_set_number(curl, CURLOPT_TIMEOUT_MS, Int(max(1, patience.total.wholeMilliseconds)))
        takeup_curl_set_number(curl, CURLOPT_LOW_SPEED_LIMIT, 1)
        takeup_curl_set_number(
            curl, CURLOPT_LOW_SPEED_TIME, Int(max(1, patience.silence.components.seconds)))
    }

    private func result(of code: CURLcode, _ curl: UnsafeMutableRawPointer) -> Result<
        HTTPAnswer, HTTPFailure
    > {
        // Of a refusal's page enough was read.
        if code == CURLE_OK || (status >= 300 && ending == .tooLarge) {
            return .success(HTTPAnswer(status: status, headers: headers, body: body))
        }
        let failure: HTTPFailure.Code
        switch code {
        case CURLE_ABORTED_BY_CALLBACK: failure = .cancelled
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_CERTPROBLEM:
            failure = .untrusted
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR:
            failure = .unreached
        case CURLE_OPERATION_TIMEDOUT where takeup_curl_time(curl, CURLINFO_PRETRANSFER_TIME_T) == 0:
            failure = .unreached
        default: failure = ending ?? .broken
        }
        let message =
            failure == .tooLarge
            ? "more than \(request.mostBytes) bytes" : String(cString: curl_easy_strerror(code))
        return .failure(HTTPFailure(code: failure, doing: doing, message: message))
    }

    // MARK: What libcurl calls

    fileprivate func takeHeader(_ line: UnsafeRawBufferPointer) {
        let text = String(decoding: line, as: UTF8.self).filter {
            $0 != "\r\n" && $0 != "\n" && $0 != "\r"
        }
        if text.hasPrefix("HTTP/") {
            // An earlier one was an answer of 1xx.
            headers = [:]
            status = Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0
        } else if let colon = text.firstIndex(of: ":") {
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            headers[text[..<colon].lowercased(), default: []].append(String(value))
        }
    }

    /// False ends the request.
    fileprivate func takeBody(_ piece: UnsafeRawBufferPointer) -> Bool {
        receivedCount += Int64(piece.count)
        guard status < 300 else {
            body.append(contentsOf: piece.prefix(HTTPAnswer.mostOfRefusal - body.count))
            if receivedCount > Transfer.mostThrownAway { ending = .tooLarge }
            return receivedCount <= Transfer.mostThrownAway
        }
        guard receivedCount <= request.mostBytes else {
            ending = .tooLarge
            return false
        }
        if let sink {
            if !sink(piece) { ending = .sink }
            return ending == nil
        }
        body.append(contentsOf: piece)
        return true
    }

    /// How many bytes were read; nil where they could not be.
    fileprivate func giveBody(_ room: UnsafeMutableRawBufferPointer) -> Int? {
        guard case .file(let descriptor, let byteCount) = request.body else { return 0 }
        let wanted = min(Int64(room.count), byteCount - sentCount)
        guard wanted > 0 else { return 0 }
        var count: Int
        repeat {
            count = pread(descriptor, room.baseAddress, Int(wanted), off_t(sentCount))
        } while count < 0 && errno == EINTR
        // A file that has become shorter must not end as a whole upload.
        guard count > 0 else {
            ending = .sink
            return nil
        }
        sentCount += Int64(count)
        return count
    }

    fileprivate func seek(to offset: Int64) { sentCount = offset }

    fileprivate var isCancelled: Bool { cancelled.isSet }
}

private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

private let receiveHeader: curl_write_callback = { bytes, size, count, context in
    transfer(context)?.takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
    return size * count
}

private let receiveBody: curl_write_callback = { bytes, size, count, context in
    let isTaken =
        transfer(context)?.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? false
    return isTaken ? size * count : 0
}

private let sendBody: curl_read_callback = { room, size, count, context in
    transfer(context)?.giveBody(UnsafeMutableRawBufferPointer(start: room, count: size * count))
        ?? Int(CURL_READFUNC_ABORT)
}

private let seekBody: curl_seek_callback = { context, offset, origin in
    guard origin == SEEK_SET else { return CURL_SEEKFUNC_CANTSEEK }
    transfer(context)?.seek(to: Int64(offset))
    return CURL_SEEKFUNC_OK
}

private let askForCancel: curl_xferinfo_callback = { context, _, _, _, _ in
    transfer(context)?.isCancelled == true ? 1 : 0
}
