/// What can be wrong with a tensor file, an archive or an image: facts in the cases, wording in `description`.
public enum FormatError: Error, Equatable, Sendable {
    case io(path: String, operation: String, code: Int32)
    case notAFile(path: String)
    /// Where a folder is to be made something else is.
    case notAFolder(path: String)
    /// Another process writes to a place.
    case inUse(path: String, owner: String)
    /// A folder, with the names in it that tell what it is.
    case folder(path: String, FolderKind)
    /// A torch file was to hold what PyTorch would not read as it was.
    case unwritable(path: String, what: String)
    /// A file of another program.
    case foreign(path: String, ForeignFormat)
    case notIntegers(ElementType)
    case safeTensors(path: String, SafeTensorsFault)
    case zip(path: String, ZipFault)
    case pickle(path: String, offset: Int, PickleFault)
    case torch(path: String, TorchFault)
    case weights(path: String, WeightFault)
    case image(ImageFault)
}

/// A broken rule of the safetensors format.
public enum SafeTensorsFault: Equatable, Sendable {
    case headerTooSmall(fileBytes: Int)
    case headerTooLarge(headerBytes: UInt64)
    case headerBeyondFile(headerBytes: Int, fileBytes: Int)
    case headerNotUTF8
    case headerStart(byte: UInt8)
    case headerSyntax(offset: Int, expected: String)
    case duplicateKey(String)
    case missingField(tensor: String, field: String)
    case unknownDtype(tensor: String, dtype: String)
    case sizeOverflow(tensor: String, shape: [Int])
    case offsets(tensor: String, begin: Int, end: Int, expectedBegin: Int)
    case size(tensor: String, shape: [Int], expectedBytes: Int, bytes: Int)
    case dataBytes(expected: Int, got: Int)
    case missingTensor(String)
    case reservedName(String)
}

/// A broken rule of the zip container.
public enum ZipFault: Equatable, Sendable {
    case noEndRecord
    case zip64Record
    case multipleDisks
    case directoryBounds(offset: UInt64, bytes: UInt64, fileBytes: Int)
    case entryCount(expected: UInt64, directoryBytes: Int)
    case directoryEntry(index: Int)
    case duplicateEntry(String)
    case encrypted(String)
    case method(entry: String, method: Int)
    case localHeader(entry: String)
    case entryBounds(entry: String, offset: Int, bytes: UInt64, fileBytes: Int)
    case entrySize(entry: String, expected: Int, got: UInt64)
    case entryTooLarge(entry: String, bytes: UInt64, limit: Int)
    case deflate(entry: String)
    case checksum(entry: String, expected: UInt32, got: UInt32)
}

/// A refused pickle.
public enum PickleFault: Equatable, Sendable {
    case truncated(needed: UInt64, remaining: Int)
    case protocolVersion(Int)
    case unknownOpcode(UInt8)
    case stackUnderflow
    case noMark
    case undefinedMemo(Int)
    case notUTF8
    case malformedGlobal
    case forbiddenGlobal(module: String, name: String)
    case forbiddenCall(module: String, name: String)
    case notCallable
    case arguments(of: String, expected: String)
    case persistentIdentifier
    case target(opcode: String)
    case unhashableKey
    case tooManyValues(limit: Int)
    case tooDeep(limit: Int)
    case cycle
}

/// A torch file whose parts do not fit together.
public enum TorchFault: Equatable, Sendable {
    case notATorchFile
    case noStateDict(keys: [String])
    /// A whole object where weights were expected.
    case savedObject(className: String)
    /// An entry among tensors that is none, or none that is read.
    case notATensor(name: String, place: String, kind: String)
    case noPickle
    case byteOrder(String)
    case legacyHeader(expected: String)
    case missingStorage(key: String)
    case storageConflict(key: String)
    case storageSize(key: String, expected: Int, got: Int)
    case storageCount(key: String, expected: Int, got: Int)
    case tensorBounds(key: String, shape: [Int], strides: [Int], offset: Int, storageBytes: Int)
    case tensorTooLarge(key: String, shape: [Int], limit: Int)
}

/// Weights that are not those of the expected architecture.
public enum WeightFault: Equatable, Sendable {
    /// - Parameter shape: nil where any would do.
    case missing(String, shape: [Int]?)
    case shape(String, expected: [Int], got: [Int])
    case elementType(String, ElementType)
    /// A shape that makes no such network, whatever the other tensors are.
    case sizes(String, shape: [Int], expected: String)
    /// A tensor that the architecture does not have, and that would change what it computes.
    case unexpected(String)
}

/// What the PNG library reported.
public enum ImageFault: Equatable, Sendable {
    case size(width: Int, height: Int)
    case encode(String)
    case decode(String)
}
