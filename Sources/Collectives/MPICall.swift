import CMPI

/// MPI's functions with errors as Swift has them.
enum MPICall {
    static func check(_ call: String, rank: Int, _ code: Int32) throws(CollectiveError) {
        guard code != 0 else { return }
        var text = [CChar](repeating: 0, count: 256)
        lam_mpi_error_text(code, &text)
        let reason = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        throw .mpi(call: call, rank: rank, reason: reason)
    }
}

/// A non-blocking call under way.
struct MPIRequest {
    private var request = lam_mpi_request()

    /// - Parameter start: the call, which fills the request.
    init(_ name: String, rank: Int, _ start: (UnsafeMutablePointer<lam_mpi_request>) -> Int32) throws(CollectiveError) {
        try MPICall.check(name, rank: rank, start(&request))
    }

    /// Whether it has ended.
    mutating func test(rank: Int) throws(CollectiveError) -> Bool {
        var isDone: Int32 = 0
        try MPICall.check("MPI_Test", rank: rank, lam_mpi_test(&request, &isDone))
        return isDone != 0
    }
}
