import NN
import Tensor

/// Both moments of all parameters, flat in the store's order, put together from what the ranks own.
package struct WholeMoments {
    let expAvg: Tensor
    let expAvgSq: Tensor

    /// Those of one parameter, as views of its shape.
    func of(_ parameter: Parameter, in store: ParameterStore) -> (expAvg: Tensor, expAvgSq: Tensor) {
        let start = parameter.value.offset - store.values.offset
        return (
            expAvg.range(start, parameter.count).reshaped(parameter.shape),
            expAvgSq.range(start, parameter.count).reshaped(parameter.shape)
        )
    }
}
