import CSentencePiece
import Formats
import Foundation

/// A SentencePiece model (Kudo & Richardson 2018), run by its own library.
public final class SentencePieceModel: @unchecked Sendable {
    // SAFETY: (`@unchecked Sendable`) the library's reading functions may run on several threads; nothing is written
    // after `init`, and only `deinit` closes the model.
    private let model: OpaquePointer
    /// Number of pieces.
    public let count: Int

    /// umT5's model with its 256 thousand pieces takes 5 MB.
    static let largestFile = 64 << 20

    /// Reads a model file.
    /// - Throws: `TextError.noTokenizer`, `.tokenizer`; `FormatError` where the file cannot be read.
    public init(path: String) throws {
        model = try Self.open(path)
        count = Int(lam_sentencepiece_size(model))
    }

    private static func open(_ path: String) throws -> OpaquePointer {
        do {
            let file = try MappedFile(path: path)
            // The library copies what it keeps.
            return try withExtendedLifetime(file) { try open(file.bytes) }
        } catch FormatError.io(_, _, code: ENOENT) {
            throw TextError.noTokenizer(path: path)
        } catch let fault as TokenizerFault {
            throw TextError.tokenizer(path: path, fault)
        }
    }

    private static func open(_ bytes: UnsafeRawBufferPointer) throws -> OpaquePointer {
        guard bytes.count <= largestFile else {
            throw TokenizerFault.tooLarge(bytes: bytes.count, limit: largestFile)
        }
        if bytes.starts(with: Array("version https://git-lfs".utf8)) { throw TokenizerFault.largeFilePointer }
        try CharacterMapCheck.verify(model: bytes)
        var message = [CChar](repeating: 0, count: 256)
        guard let model = lam_sentencepiece_open(bytes.baseAddress, bytes.count, &message, message.count) else {
            let words = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw TokenizerFault.refused(String(decoding: words, as: UTF8.self))
        }
        return model
    }

    deinit { lam_sentencepiece_close(model) }

    /// The id of a piece; that of the unknown piece if there is no such piece.
    public func id(of piece: String) -> Int {
        var piece = piece
        return piece.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { Int(lam_sentencepiece_id(model, $0.baseAddress, $0.count)) }
        }
    }

    /// Splits a text; characters without a piece stay as they are, neighbouring ones together.
    /// - Returns: nil if the library fails.
    public func pieces(of text: some StringProtocol) -> [String]? {
        var pieces: [String] = []
        var text = String(text)
        let status = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                withUnsafeMutablePointer(to: &pieces) { pieces in
                    lam_sentencepiece_encode(model, bytes.baseAddress, bytes.count, pieces) { context, piece, count in
                        let bytes = UnsafeRawBufferPointer(start: piece, count: count)
                        // SAFETY: the context is the array of the enclosing call, which outlives the visits.
                        context!.assumingMemoryBound(to: [String].self).pointee
                            .append(String(decoding: bytes, as: UTF8.self))
                    }
                }
            }
        }
        return status == 0 ? pieces : nil
    }
}
