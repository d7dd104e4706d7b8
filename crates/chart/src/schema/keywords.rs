//! The keywords of a schema, each read and refused in its turn.

use std::{collections::BTreeSet, rc::Rc};

use super::{
    Unfit,
    compile::{At, Bounds, Compiler, Dependency, Numbers, Part, Pattern, Rest, invalid_type, panicked},
    decimal::Decimal,
    node::{Members, Node},
    reference::Draft,
};
use crate::functions::regex;

const TYPES: [&str; 7] = ["array", "boolean", "integer", "number", "null", "object", "string"];

/// Reads all of them, in the peer's order: the first that is wrong is the one that is told.
pub(super) fn read(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, part: &mut Part) -> Result<(), Unfit> {
    types(members, part)?;
    properties(compiler, members, draft, part)?;
    dependencies(compiler, members, draft, part)?;
    items(compiler, members, draft, part)?;
    part.numbers = numbers(members, draft)?;
    part.length = bounds(members, "minLength", "maxLength")?;
    texts(compiler, members, part)?;
    part.property_count = bounds(members, "minProperties", "maxProperties")?;
    required(members, part)?;
    part.item_count = Bounds { least: count(members, "minItems")?, most: count(members, "maxItems")? };
    part.unique_items = match members.get("uniqueItems").map(Rc::as_ref) {
        None => false,
        Some(Node::Bool(it)) => *it,
        Some(_) => return Err(must_be("uniqueItems", "a boolean")),
    };
    if let Some(node) = members.get("contains").filter(|_| draft >= Draft::Six) {
        part.contains = Some(compiler.part(node, draft)?);
    }
    values(compiler, members, draft, part)?;
    combinations(compiler, members, draft, part)
}

fn must_be(key: &str, kind: &str) -> Unfit {
    Unfit::said(format!("{key} must be of {kind}"))
}

fn must_be_of_type(key: &str, kind: &str) -> Unfit {
    Unfit::said(format!("{key} must be of type {kind}"))
}

fn is_schema(node: &Node) -> bool {
    matches!(node, Node::Map(_) | Node::Bool(_))
}

fn types(members: &Members, part: &mut Part) -> Result<(), Unfit> {
    let names: Vec<&str> = match members.get("type").map(Rc::as_ref) {
        None => return Ok(()),
        Some(Node::Text(name)) => vec![name],
        Some(Node::List(names)) => {
            let mut texts = Vec::new();
            for name in names {
                match name.as_ref() {
                    Node::Text(name) => texts.push(name.as_str()),
                    // Go keeps numbers as texts of another type
                    Node::Number(_) => return Err(panicked("interface conversion: interface {} is json.Number, not string")),
                    _ => return Err(invalid_type("string/array of strings", "type")),
                }
            }
            texts
        }
        Some(_) => return Err(invalid_type("string/array of strings", "type")),
    };
    for name in names {
        if !TYPES.contains(&name) {
            let valid = TYPES.join(" ");
            return Err(Unfit::said(format!(
                "has a primitive type that is NOT VALID -- given: /{name}/ Expected valid values are:[{valid}]"
            )));
        }
        if part.types.iter().any(|other| other == name) {
            return Err(Unfit::said(format!("{name} type is duplicated")));
        }
        part.types.push(name.to_owned());
    }
    Ok(())
}

fn properties(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, part: &mut Part) -> Result<(), Unfit> {
    if let Some(node) = members.get("properties") {
        let properties = node.members().ok_or_else(|| must_be_of_type("properties", "object"))?;
        for (key, node) in properties {
            part.properties.insert(key.clone(), compiler.part(node, draft)?);
        }
    }
    part.additional_properties = rest(compiler, members, draft, "additionalProperties")?;
    if let Some(node) = members.get("patternProperties") {
        let patterns = node.members().ok_or_else(|| invalid_type("valid schema", "patternProperties"))?;
        for (text, node) in patterns {
            let expression = regex::expression(text, &mut compiler.expressions, compiler.budget)?;
            let expression = expression.ok_or_else(|| Unfit::said(format!("Invalid regex pattern '{text}'")))?;
            let at = compiler.part(node, draft)?;
            part.pattern_properties.push((Pattern { text: text.clone(), expression }, at));
        }
    }
    if let Some(node) = members.get("propertyNames").filter(|_| draft >= Draft::Six) {
        if !is_schema(node) {
            return Err(invalid_type("valid schema", "patternProperties"));
        }
        part.property_names = Some(compiler.part(node, draft)?);
    }
    Ok(())
}

fn rest(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, key: &str) -> Result<Rest, Unfit> {
    match members.get(key).map(Rc::as_ref) {
        None | Some(Node::Bool(true)) => Ok(Rest::Free),
        Some(Node::Bool(false)) => Ok(Rest::Refused),
        Some(node @ Node::Map(_)) => Ok(Rest::As(compiler.part(node, draft)?)),
        Some(_) => Err(invalid_type("boolean/valid schema", key)),
    }
}

fn dependencies(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, part: &mut Part) -> Result<(), Unfit> {
    let Some(node) = members.get("dependencies") else { return Ok(()) };
    let all = node.members().ok_or_else(|| must_be_of_type("dependencies", "object"))?;
    let refused = || must_be_of_type("dependency", "schema or array of strings");
    for (key, node) in all {
        let dependency = match node.as_ref() {
            Node::List(keys) => {
                let keys = keys.iter().map(|key| key.text().map(str::to_owned).ok_or_else(refused)).collect::<Result<_, _>>()?;
                Dependency::Keys(keys)
            }
            Node::Map(_) | Node::Bool(_) => Dependency::Schema(compiler.part(node, draft)?),
            _ => return Err(refused()),
        };
        part.dependencies.insert(key.clone(), dependency);
    }
    Ok(())
}

fn items(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, part: &mut Part) -> Result<(), Unfit> {
    let refused = || invalid_type("valid schema/array of schemas", "items");
    match members.get("items").map(Rc::as_ref) {
        None => {}
        Some(Node::List(items)) => {
            for node in items {
                if !is_schema(node) {
                    return Err(refused());
                }
                part.items.push(compiler.part(node, draft)?);
            }
        }
        Some(node @ (Node::Map(_) | Node::Bool(_))) => part.all_items = Some(compiler.part(node, draft)?),
        Some(_) => return Err(refused()),
    }
    part.additional_items = rest(compiler, members, draft, "additionalItems")?;
    Ok(())
}

fn numbers(members: &Members, draft: Draft) -> Result<Numbers, Unfit> {
    let multiple_of = match members.get("multipleOf").map(|node| node.number()) {
        None => None,
        Some(None) => return Err(invalid_type("number", "multipleOf")),
        Some(Some(number)) if !number.is_positive() => return Err(Unfit::said("multipleOf must be strictly greater than 0")),
        Some(number) => number,
    };
    let (minimum, above) = limit(members, draft, "minimum", "exclusiveMinimum")?;
    let (maximum, below) = limit(members, draft, "maximum", "exclusiveMaximum")?;
    Ok(Numbers { multiple_of, minimum, above, maximum, below })
}

/// A limit that may be reached, and one that may not: draft 4 has one number and a truth, the later ones two numbers.
fn limit(members: &Members, draft: Draft, key: &'static str, exclusive: &'static str) -> Result<(Option<Decimal>, Option<Decimal>), Unfit> {
    let inclusive = match members.get(key).map(|node| node.number()) {
        None => None,
        Some(None) => return Err(must_be(key, "a number")),
        Some(number) => number,
    };
    match (draft, members.get(exclusive).map(Rc::as_ref)) {
        (_, None) => Ok((inclusive, None)),
        (Draft::Four | Draft::Hybrid, Some(Node::Bool(is_exclusive))) => match (inclusive, is_exclusive) {
            (None, _) => Err(Unfit::said(format!("{exclusive} cannot be used without {key}"))),
            (number, true) => Ok((None, number)),
            (number, false) => Ok((number, None)),
        },
        (Draft::Six | Draft::Seven | Draft::Hybrid, Some(node @ Node::Number(_))) => Ok((inclusive, node.number())),
        (Draft::Four, Some(_)) => Err(invalid_type("boolean", exclusive)),
        (Draft::Hybrid, Some(_)) => Err(invalid_type("boolean/number", exclusive)),
        (Draft::Six | Draft::Seven, Some(_)) => Err(invalid_type("number", exclusive)),
    }
}

fn count(members: &Members, key: &str) -> Result<Option<i64>, Unfit> {
    match members.get(key).map(|node| node.int()) {
        None => Ok(None),
        Some(None) => Err(must_be(key, "an integer")),
        Some(Some(..0)) => Err(Unfit::said(format!("{key} must be greater than or equal to 0"))),
        Some(count) => Ok(count),
    }
}

fn bounds(members: &Members, least: &str, most: &str) -> Result<Bounds, Unfit> {
    let bounds = Bounds { least: count(members, least)?, most: count(members, most)? };
    match bounds {
        Bounds { least: Some(low), most: Some(high) } if low > high => Err(Unfit::said(format!("{least} cannot be greater than {most}"))),
        _ => Ok(bounds),
    }
}

fn texts(compiler: &mut Compiler<'_>, members: &Members, part: &mut Part) -> Result<(), Unfit> {
    match members.get("pattern").map(|node| node.text()) {
        None => {}
        Some(None) => return Err(must_be("pattern", "a string")),
        Some(Some(text)) => {
            let expression = regex::expression(text, &mut compiler.expressions, compiler.budget)?;
            let expression = expression.ok_or_else(|| Unfit::said("pattern must be a valid regex"))?;
            part.pattern = Some(Pattern { text: text.to_owned(), expression });
        }
    }
    match members.get("format").map(|node| node.text()) {
        None => {}
        Some(None) => return Err(must_be_of_type("format", "string")),
        Some(Some(name)) => part.format = Some(name.to_owned()),
    }
    Ok(())
}

fn required(members: &Members, part: &mut Part) -> Result<(), Unfit> {
    let Some(node) = members.get("required") else { return Ok(()) };
    let Node::List(keys) = node.as_ref() else { return Err(must_be("required", "an array")) };
    let mut seen = BTreeSet::new();
    for key in keys {
        let key = key.text().ok_or_else(|| Unfit::said("required items must be string"))?;
        if !seen.insert(key) {
            return Err(Unfit::said("required items must be unique"));
        }
        part.required.push(key.to_owned());
    }
    Ok(())
}

fn values(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, part: &mut Part) -> Result<(), Unfit> {
    if let Some(node) = members.get("const").filter(|_| draft >= Draft::Six) {
        part.constant = Some(node.canonical(compiler.budget)?);
    }
    let Some(node) = members.get("enum") else { return Ok(()) };
    let Node::List(values) = node.as_ref() else { return Err(must_be("enum", "an array")) };
    for value in values {
        let value = value.canonical(compiler.budget)?;
        compiler.budget.step(part.allowed.len() as u64)?;
        if part.allowed.contains(&value) {
            return Err(Unfit::said("enum items must be unique"));
        }
        part.allowed.push(value);
    }
    Ok(())
}

fn combinations(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, part: &mut Part) -> Result<(), Unfit> {
    part.one_of = schemas(compiler, members, draft, "oneOf", "oneOf")?;
    part.any_of = schemas(compiler, members, draft, "anyOf", "anyOf")?;
    part.all_of = schemas(compiler, members, draft, "allOf", "anyOf")?;
    part.not = schema(compiler, members, draft, "not")?;
    if draft >= Draft::Seven {
        part.condition.test = schema(compiler, members, draft, "if")?;
        part.condition.then = schema(compiler, members, draft, "then")?;
        part.condition.otherwise = schema(compiler, members, draft, "else")?;
    }
    Ok(())
}

/// `told` is how the peer names the key when it is wrong.
fn schemas(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, key: &str, told: &str) -> Result<Vec<At>, Unfit> {
    match members.get(key).map(Rc::as_ref) {
        None => Ok(Vec::new()),
        Some(Node::List(nodes)) => nodes.iter().map(|node| compiler.part(node, draft)).collect(),
        Some(_) => Err(must_be(told, "an array")),
    }
}

fn schema(compiler: &mut Compiler<'_>, members: &Members, draft: Draft, key: &str) -> Result<Option<At>, Unfit> {
    match members.get(key) {
        None => Ok(None),
        Some(node) if is_schema(node) => compiler.part(node, draft).map(Some),
        Some(_) => Err(must_be(key, "an object")),
    }
}
