import Foundation

/// The parser of JSON for libFuzzer, which sees what of it an input reaches. Compiled into the module of the parser.
///
/// Where Foundation reads the same bytes, it must see a document of the same kind.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let own = try? JSON.parse(input, path: "fuzz.json")
    if let own, case let foreign = try? JSONSerialization.jsonObject(with: Data(input), options: .fragmentsAllowed) {
        if case .object = own {
            precondition(foreign == nil || foreign is [String: Any], "an object to one reader alone")
        }
        precondition(foreign == nil || own.array == nil || foreign is [Any], "a list to one reader alone")
        precondition(foreign == nil || own.string == nil || foreign is String, "a text to one reader alone")
    }
    return 0
}
