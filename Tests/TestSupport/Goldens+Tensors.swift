import Formats

extension Goldens {
    /// The tensors of a reference file: `Goldens.tensors("lam/lam_stage1/outputs_f32.safetensors")`.
    public static func tensors(_ path: String) throws -> SafeTensors { try SafeTensors(path: url(path).path) }
}

extension SafeTensors {
    /// The elements of one tensor as Float, row-major.
    public func floats(_ name: String) throws -> [Float] { try tensor(name).floats() }

    /// The elements of one integer or bool tensor.
    public func int64s(_ name: String) throws -> [Int64] { try tensor(name).int64s() }
}
