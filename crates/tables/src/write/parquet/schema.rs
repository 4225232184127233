//! The schema of a file, by the types of its columns.

use std::sync::Arc;

use ::parquet::basic::{LogicalType, Repetition, Type as Physical};
use ::parquet::errors::ParquetError;
use ::parquet::schema::types::{Type, TypePtr};

use crate::learn::columns::Column;
use crate::learn::kind::Kind;

/// The schema of these columns.
pub fn of(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let fields = columns.iter().map(|column| {
        let repetition = if column.required { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        field(&column.name, &column.kind, repetition)
    });
    let fields = fields.collect::<Result<Vec<TypePtr>, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("table").with_fields(fields).build()?))
}

fn field(name: &str, kind: &Kind, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let primitive = |physical, logical| {
        let builder = Type::primitive_type_builder(name, physical).with_repetition(repetition);
        builder.with_logical_type(logical).build()
    };
    Ok(Arc::new(match kind {
        Kind::Bool => primitive(Physical::BOOLEAN, None)?,
        Kind::Int => primitive(Physical::INT64, None)?,
        Kind::Float32 => primitive(Physical::FLOAT, None)?,
        Kind::Float => primitive(Physical::DOUBLE, None)?,
        // A column of nothing but nulls has to be of some type.
        Kind::Text | Kind::Json | Kind::Null => primitive(Physical::BYTE_ARRAY, Some(LogicalType::String))?,
        Kind::List(of) => {
            let element = field("element", of, Repetition::OPTIONAL)?;
            let list =
                Type::group_type_builder("list").with_repetition(Repetition::REPEATED).with_fields(vec![element]);
            let builder = Type::group_type_builder(name).with_repetition(repetition);
            builder.with_logical_type(Some(LogicalType::List)).with_fields(vec![Arc::new(list.build()?)]).build()?
        }
    }))
}
