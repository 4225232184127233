//! An array of numbers of any shape.

/// Numbers in C order: the last index runs fastest. `data` has as many as the product of `shape`.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The length of each dimension; none for a single number.
    pub shape: Vec<usize>,
    /// The numbers.
    pub data: Data,
}

/// Numbers of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Truth values.
    Bool(Vec<bool>),
    /// Whole numbers.
    Int(Vec<i64>),
    /// Floats of at most 32 bits.
    Float32(Vec<f32>),
    /// Floats, and whole numbers beyond 63 bits.
    Float(Vec<f64>),
}

impl Data {
    /// The numbers as floats; truth values as 0 and 1.
    pub fn floats(&self) -> Vec<f64> {
        match self {
            Data::Bool(data) => data.iter().map(|one| f64::from(u8::from(*one))).collect(),
            Data::Int(data) => data.iter().map(|one| *one as f64).collect(),
            Data::Float32(data) => data.iter().map(|one| f64::from(*one)).collect(),
            Data::Float(data) => data.clone(),
        }
    }

    /// The same numbers with the `n`-th in place `order[n]` of before.
    pub fn reordered(&self, order: &[usize]) -> Self {
        fn pick<T: Copy>(data: &[T], order: &[usize]) -> Vec<T> {
            order.iter().map(|at| data[*at]).collect()
        }
        match self {
            Data::Bool(data) => Data::Bool(pick(data, order)),
            Data::Int(data) => Data::Int(pick(data, order)),
            Data::Float32(data) => Data::Float32(pick(data, order)),
            Data::Float(data) => Data::Float(pick(data, order)),
        }
    }
}
