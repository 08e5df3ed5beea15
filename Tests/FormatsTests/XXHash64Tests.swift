import Formats
import Testing

@Suite("XXH64")
struct XXHash64Tests {
    /// Digests by the reference implementation (Python package xxhash 3): empty, below a word, words, lanes and rests.
    @Test(
        "gives the reference implementation's digests",
        arguments: [
            (Array("".utf8), "ef46db3751d8e999"), (Array("a".utf8), "d24ec4f1a98c6e5b"),
            (Array("abc".utf8), "44bc2cf5ad770999"), (Array("message digest".utf8), "066ed728fceeb3be"),
            ((0..<31).map { UInt8($0) }, "c346d2b59b4d8ee1"), ((0..<32).map { UInt8($0) }, "cbf59c5116ff32b4"),
            ((0..<100).map { UInt8($0) }, "6ac1e58032166597"),
            ((0..<1000).map { UInt8($0 * 7 % 256) }, "25275608a9cfc168"),
        ] as [([UInt8], String)])
    func vectors(bytes: [UInt8], digest: String) {
        #expect(bytes.withUnsafeBytes(XXHash64.hexadecimal) == digest)
        // At an odd address.
        #expect(([0] + bytes).withUnsafeBytes { XXHash64.hexadecimal(.init(rebasing: $0[1...])) } == digest)
    }
}
