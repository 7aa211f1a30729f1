/// An error that knows whether the same attempt can succeed later without a person's help.
package protocol Retryable: Error {
    var isTransient: Bool { get }
}
