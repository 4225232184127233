//! Writes matrices in NumPy's `.npy` format, version 1.0 (NEP 1), C order, little endian.
//!
//! A matrix is handed in column by column, as time goes by, and written row by row. Up to 16 MiB of it are held in memory;
//! of more, whole tiles go into the private folder of the work, and are put together in the end.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::PathBuf,
};

use euterpe_actors::{
    outcome::Fault,
    transform::{Product, Scratch, Work},
};
use half::f16;
use schemars::JsonSchema;
use serde::Deserialize;

/// The most bytes that one output may hold.
const MAX_BYTES: u64 = 2 << 30;
/// What no `float16` can hold: it would be rounded to infinity.
const MOST_OF_HALF: f32 = 65_520.0;
/// How many numbers are held in memory.
const IN_MEMORY: usize = 4 << 20;

/// The type of the numbers of a matrix, as a graph file says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// `float32`.
    #[default]
    F32,
    /// `float16`: half the size, three digits, nothing beyond 65504.
    F16,
}

impl From<Dtype> for Cell {
    fn from(dtype: Dtype) -> Self {
        match dtype {
            Dtype::F32 => Cell::Float,
            Dtype::F16 => Cell::Half,
        }
    }
}

/// What the cells of a matrix are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// `float32`.
    Float,
    /// `float16`.
    Half,
    /// `complex64`: each cell is two numbers.
    Complex,
}

impl Cell {
    const fn numbers(self) -> usize {
        match self {
            Cell::Float | Cell::Half => 1,
            Cell::Complex => 2,
        }
    }

    /// How many bytes a number takes.
    const fn width(self) -> usize {
        if matches!(self, Cell::Half) { 2 } else { 4 }
    }

    const fn descr(self) -> &'static str {
        match self {
            Cell::Float => "<f4",
            Cell::Half => "<f2",
            Cell::Complex => "<c8",
        }
    }
}

/// A matrix on its way into a file.
pub(crate) struct Matrix {
    rows: usize,
    cell: Cell,
    /// Columns that are in no tile yet.
    held: Vec<f32>,
    /// How many numbers are held before they go into a tile: whole columns.
    most: usize,
    scratch: Scratch,
    tiles: Option<Tiles>,
}

/// Tiles that were written, each row by row.
struct Tiles {
    file: BufWriter<File>,
    path: PathBuf,
    /// How many columns each has.
    columns: Vec<usize>,
}

impl Matrix {
    /// A matrix of so many rows (at least 1) and no column yet.
    pub(crate) fn new(rows: usize, cell: Cell, work: &Work) -> Self {
        Self::holding(rows, cell, work, IN_MEMORY)
    }

    fn holding(rows: usize, cell: Cell, work: &Work, most: usize) -> Self {
        let (column, scratch) = (rows * cell.numbers(), work.scratch.clone());
        Self { rows, cell, held: Vec::new(), most: (most / column).max(1) * column, scratch, tiles: None }
    }

    /// Appends a column: a number for each row, or two.
    ///
    /// # Errors
    /// A fault of the input where the output would be too large, or holds what no `float32` can; where no more can be written.
    pub(crate) fn push(&mut self, column: impl IntoIterator<Item = f32>) -> Result<(), Fault> {
        let before = self.held.len();
        self.held.extend(column);
        if self.cell == Cell::Half && self.held[before..].iter().any(|number| number.abs() >= MOST_OF_HALF) {
            return Err(Fault::bad_input(
                "there is a number beyond 65504, which no float16 can hold; choose `dtype: f32`, or decibels",
            ));
        }
        if !self.held[before..].iter().fold(true, |finite, number| finite & number.is_finite()) {
            return Err(Fault::bad_input(
                "the sound is so far beyond full scale that what is made of it is no number; lower its level first",
            ));
        }
        debug_assert_eq!(self.held.len() % (self.rows * self.cell.numbers()), 0, "whole columns");
        match self.held.len() < self.most {
            true => Ok(()),
            false => self.write_tile(),
        }
    }

    /// How many columns there are.
    pub(crate) fn columns(&self) -> usize {
        let tiles = self.tiles.iter().flat_map(|tiles| &tiles.columns).sum::<usize>();
        tiles + self.held.len() / (self.rows * self.cell.numbers())
    }

    fn write_tile(&mut self) -> Result<(), Fault> {
        if self.columns() as u64 * (self.rows * self.cell.numbers() * self.cell.width()) as u64 > MAX_BYTES {
            return Err(Fault::bad_input(
                "the output would take more than 2 GiB; choose a larger `hop`, fewer rows, or a part of the track \
                 (`start`, `duration`)",
            ));
        }
        let tiles = match &mut self.tiles {
            Some(tiles) => tiles,
            none => {
                let path = self.scratch.folder()?.join("tiles");
                let file = File::options().read(true).write(true).create(true).truncate(true).open(&path);
                let file = BufWriter::with_capacity(1 << 18, file.map_err(|error| unwritten(&error))?);
                none.insert(Tiles { file, path, columns: Vec::new() })
            }
        };
        tiles.columns.push(self.held.len() / (self.rows * self.cell.numbers()));
        let mut bytes = Vec::new();
        transpose(&self.held, self.rows, self.cell, &mut bytes);
        self.held.clear();
        tiles.file.write_all(&bytes).map_err(|error| unwritten(&error))
    }

    /// The whole file.
    ///
    /// # Errors
    /// As [`Matrix::push`].
    pub(crate) fn finish(mut self) -> Result<Product, Fault> {
        if self.tiles.is_some() && !self.held.is_empty() {
            self.write_tile()?;
        }
        let mut bytes = header(self.rows, self.columns(), self.cell);
        let Some(tiles) = self.tiles.take() else {
            transpose(&self.held, self.rows, self.cell, &mut bytes);
            return Ok(Product::bytes(bytes));
        };
        let path = self.scratch.folder()?.join("matrix.npy");
        let from = tiles.file.into_inner().map_err(|error| unwritten(error.error()))?;
        let mut put_together = || -> io::Result<()> {
            let mut file = BufWriter::with_capacity(1 << 18, File::create(&path)?);
            file.write_all(&bytes)?;
            let width = self.cell.numbers() * self.cell.width();
            for row in 0..self.rows {
                let mut tile_at = 0;
                for columns in &tiles.columns {
                    bytes.resize(columns * width, 0);
                    from.read_exact_at(&mut bytes, tile_at + (row * columns * width) as u64)?;
                    file.write_all(&bytes)?;
                    tile_at += (self.rows * columns * width) as u64;
                }
            }
            file.into_inner()?;
            std::fs::remove_file(&tiles.path)
        };
        put_together().map_err(|error| unwritten(&error))?;
        Ok(Product::file(path))
    }
}

/// A file of one dimension: a number for each moment. As many as there are fit into memory.
pub(crate) fn curve(numbers: &[f32]) -> Product {
    let mut bytes = header_of(&format!("({},)", numbers.len()), Cell::Float);
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    Product::bytes(bytes)
}

fn unwritten(error: &io::Error) -> Fault {
    Fault::of_io("could not write the numbers", error)
}

fn header(rows: usize, columns: usize, cell: Cell) -> Vec<u8> {
    header_of(&format!("({rows}, {columns})"), cell)
}

fn header_of(shape: &str, cell: Cell) -> Vec<u8> {
    let mut header = format!("{{'descr': '{}', 'fortran_order': False, 'shape': {shape}, }}", cell.descr());
    // Magic, version and length take ten bytes; the whole header is a multiple of 64 and ends with a line feed.
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header.as_bytes());
    bytes
}

/// Appends columns row by row.
fn transpose(columns: &[f32], rows: usize, cell: Cell, bytes: &mut Vec<u8>) {
    let (numbers, width, start) = (cell.numbers(), cell.width(), bytes.len());
    let column = rows * numbers;
    let count = columns.len() / column;
    bytes.resize(start + columns.len() * width, 0);
    // Sixteen columns at a time: a column is read from one cache line, and each row is written in whole ones.
    for (block, part) in columns.chunks(16 * column).enumerate() {
        for row in 0..rows {
            let at = start + (row * count + block * 16) * numbers * width;
            let cells = bytes[at..].chunks_exact_mut(numbers * width);
            for (cell, values) in cells.zip(part.chunks_exact(column)) {
                for (bytes, value) in cell.chunks_exact_mut(width).zip(&values[row * numbers..]) {
                    match bytes.len() {
                        2 => bytes.copy_from_slice(&f16::from_f32(*value).to_le_bytes()),
                        _ => bytes.copy_from_slice(&value.to_le_bytes()),
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{cells, work};
    use super::*;

    /// Writes columns that count up, holding so many numbers; header and values.
    fn written(rows: usize, count: usize, cell: Cell, most: usize) -> (String, Vec<f32>) {
        let work = work("t", &[], "npy");
        let mut matrix = Matrix::holding(rows, cell, &work, most);
        let column = rows * cell.numbers();
        for number in 0..count {
            matrix.push((0..column).map(|row| (number * column + row) as f32)).expect("written");
        }
        assert_eq!(matrix.columns(), count);
        cells(&matrix.finish().expect("finished").0[0].read().expect("read"))
    }

    #[test]
    fn a_matrix_is_written_row_by_row_after_an_aligned_header_whatever_is_held_of_it() {
        let (rows, count) = (3, 37);
        let want: Vec<f32> =
            (0..rows).flat_map(|row| (0..count).map(move |column| (column * rows + row) as f32)).collect();
        for most in [1 << 20, 1, 15, 37 * 3, 36 * 3] {
            let (header, values) = written(rows, count, Cell::Float, most);
            assert!(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 37), }"), "{header}");
            assert!(header.ends_with('\n'));
            assert_eq!(values, want, "{most} held");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        let mut matrix = Matrix::new(2, Cell::Float, &work("t", &[], "npy"));
        assert!(matrix.push([1.0, f32::MAX]).is_ok());
        assert!(matrix.push([1.0, f32::INFINITY]).expect_err("refused").text.contains("lower its level"));
    }

    #[test]
    fn numbers_of_sixteen_bits_are_rounded_and_none_is_too_large() {
        for most in [1 << 20, 4] {
            let work = work("t", &[], "npy");
            let mut matrix = Matrix::holding(2, Cell::Half, &work, most);
            for column in [[1.0, 65_519.0], [0.1, -2.0], [0.0, 6e-8]] {
                matrix.push(column).expect("taken");
            }
            let bytes = matrix.finish().expect("finished").0[0].read().expect("read");
            assert!(bytes[10..].starts_with(b"{'descr': '<f2'"));
            let numbers = bytes[bytes.len() - 12..].chunks_exact(2);
            let numbers: Vec<f32> = numbers.map(|two| f16::from_le_bytes([two[0], two[1]]).to_f32()).collect();
            assert_eq!(numbers, [1.0, 0.099_975_586, 0.0, 65_504.0, -2.0, 5.960_464_5e-8], "{most} held");
        }
        let mut matrix = Matrix::new(1, Cell::Half, &work("t", &[], "npy"));
        assert!(matrix.push([65_520.0]).expect_err("too large").text.contains("choose `dtype: f32`"));
    }

    #[test]
    fn complex_cells_stay_together() {
        for most in [1 << 20, 8] {
            let (header, values) = written(2, 3, Cell::Complex, most);
            assert!(header.starts_with("{'descr': '<c8'"), "{header}");
            assert_eq!(values, [0., 1., 4., 5., 8., 9., 2., 3., 6., 7., 10., 11.], "{most} held");
        }
    }
}
