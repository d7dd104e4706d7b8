//! Certificates: authorities, self-signed ones, signed ones.

mod checks;
mod read;
mod write;

use std::rc::Rc;

use bstr::ByteSlice as _;

use super::{
    key::{self, PrivateKey, RSA_BITS},
    pem,
};
use crate::{
    format,
    function::{Fault, Scope},
    functions::encoding::decode64,
    value::{Field, Kind, Shown, Str, Struct, Type, Value},
};

/// Sprig's `certificate`: `.Cert` and `.Key`, both PEM.
pub static CERTIFICATE: Type = Type { name: "sprig.certificate", kind: Kind::Struct, elem: None, methods: &[], named: true };

/// What a certificate is to say.
struct Template<'a> {
    name: &'a [u8],
    addresses: Vec<std::net::IpAddr>,
    hosts: Vec<&'a [u8]>,
    days: i64,
    is_authority: bool,
}

/// Whose key a certificate gets.
enum Owner<'a> {
    New,
    Of(&'a [u8]),
}

/// `genCA NAME DAYS`
pub(super) fn gen_ca(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(name), Value::Int(days, _)] = arguments else { return Ok(Value::Nil) };
    authority(scope, name, *days, Owner::New)
}

/// `genCAWithKey NAME DAYS KEY`
pub(super) fn gen_ca_with_key(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(name), Value::Int(days, _), Value::Str(key)] = arguments else { return Ok(Value::Nil) };
    authority(scope, name, *days, Owner::Of(key))
}

/// `genSelfSignedCert NAME IPS HOSTS DAYS`
pub(super) fn gen_self_signed(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(name), addresses, hosts, Value::Int(days, _)] = arguments else { return Ok(Value::Nil) };
    self_signed(scope, name, [addresses, hosts], *days, Owner::New)
}

/// `genSelfSignedCertWithKey NAME IPS HOSTS DAYS KEY`
pub(super) fn gen_self_signed_with_key(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(name), addresses, hosts, Value::Int(days, _), Value::Str(key)] = arguments else { return Ok(Value::Nil) };
    self_signed(scope, name, [addresses, hosts], *days, Owner::Of(key))
}

/// `genSignedCert NAME IPS HOSTS DAYS CA`
pub(super) fn gen_signed(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(name), addresses, hosts, Value::Int(days, _), Value::Struct(ca)] = arguments else { return Ok(Value::Nil) };
    signed(scope, name, [addresses, hosts], *days, ca, Owner::New)
}

/// `genSignedCertWithKey NAME IPS HOSTS DAYS CA KEY`
pub(super) fn gen_signed_with_key(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(name), addresses, hosts, Value::Int(days, _), Value::Struct(ca), Value::Str(key)] = arguments else {
        return Ok(Value::Nil);
    };
    signed(scope, name, [addresses, hosts], *days, ca, Owner::Of(key))
}

/// `buildCustomCert CERT KEY`, both PEM in base64.
pub(super) fn build_custom(scope: &mut Scope<'_>, arguments: &[Value]) -> Result<Value, Fault> {
    let [Value::Str(cert), Value::Str(key)] = arguments else { return Ok(Value::Nil) };
    scope.budget.make(cert.len() + key.len())?;
    let cert = decode64(cert).map_err(|_| Fault::said("unable to decode base64 certificate"))?;
    let key = decode64(key).map_err(|_| Fault::said("unable to decode base64 private key"))?;
    read_certificate(scope, &cert)?;
    read_key(scope, &key).map_err(|fault| prefixed("error parsing private key: ", fault))?;
    Ok(certificate(cert, key))
}

fn authority(scope: &mut Scope<'_>, name: &[u8], days: i64, owner: Owner<'_>) -> Result<Value, Fault> {
    let key = owner.key(scope)?;
    let template = Template { name, addresses: Vec::new(), hosts: Vec::new(), days, is_authority: true };
    made(scope, &template, &key, None)
}

fn self_signed(scope: &mut Scope<'_>, name: &[u8], [ips, hosts]: [&Value; 2], days: i64, owner: Owner<'_>) -> Result<Value, Fault> {
    let key = owner.key(scope)?;
    let template = Template { name, addresses: addresses(scope, ips)?, hosts: host_names(scope, hosts)?, days, is_authority: false };
    made(scope, &template, &key, None)
}

fn signed(scope: &mut Scope<'_>, name: &[u8], [ips, hosts]: [&Value; 2], days: i64, ca: &Struct, owner: Owner<'_>) -> Result<Value, Fault> {
    let key = owner.key(scope)?;
    let text = |field| match ca.field(field) {
        Some(Value::Str(text)) => text.clone(),
        _ => Str::default(),
    };
    let issuer = read_certificate(scope, &text("Cert"))?;
    let issuer_key = read_key(scope, &text("Key")).map_err(|fault| prefixed("error parsing private key: ", fault))?;
    let template = Template { name, addresses: addresses(scope, ips)?, hosts: host_names(scope, hosts)?, days, is_authority: false };
    made(scope, &template, &key, Some((&issuer, &issuer_key)))
}

impl Owner<'_> {
    fn key(&self, scope: &mut Scope<'_>) -> Result<PrivateKey, Fault> {
        match self {
            Self::New => key::new_rsa(scope, RSA_BITS),
            Self::Of(text) => read_key(scope, text).map_err(|fault| prefixed("parsing private key: ", fault)),
        }
    }
}

/// The certificate of a key, signed by the issuer's or by itself.
fn made(
    scope: &mut Scope<'_>,
    template: &Template<'_>,
    key: &PrivateKey,
    issuer: Option<(&read::Certificate, &PrivateKey)>,
) -> Result<Value, Fault> {
    let size = 2048 + template.name.len() + template.hosts.iter().map(|host| host.len() + 4).sum::<usize>() + 20 * template.addresses.len();
    scope.budget.make(4 * size)?;
    scope.budget.step(issuer.map_or(key, |(_, key)| key).signing_steps())?;
    let der = write::create(scope, template, key, issuer).map_err(|error| Fault::said(format!("error creating certificate: {error}")))?;
    Ok(certificate(pem::encode("CERTIFICATE", &der), key.to_pem()))
}

fn certificate(cert: impl Into<Str>, key: impl Into<Str>) -> Value {
    let field =
        |name: &'static str, text: Str| Field { name, key: Some(name), omit_empty: false, embedded: false, value: Value::Str(text) };
    let fields = vec![field("Cert", cert.into()), field("Key", key.into())];
    Value::Struct(Rc::new(Struct { ty: &CERTIFICATE, fields, shown: Shown::Fields }))
}

fn read_certificate(scope: &mut Scope<'_>, text: &[u8]) -> Result<read::Certificate, Fault> {
    charge_pem(scope, text)?;
    let block = pem::decode(text).ok_or_else(|| Fault::said("unable to decode certificate"))?;
    read::certificate(&block.bytes).map_err(|error| Fault::said(format!("error parsing certificate: decodedCert.Bytes: {error}")))
}

fn read_key(scope: &mut Scope<'_>, text: &[u8]) -> Result<PrivateKey, Fault> {
    charge_pem(scope, text)?;
    key::read(text).map_err(Fault::Said)
}

/// A block that is not whole may be looked at to the end of the text, and the next one again; a key's numbers are held against each other.
fn charge_pem(scope: &mut Scope<'_>, text: &[u8]) -> Result<(), Fault> {
    let blocks = text.find_iter(b"-----END ").count();
    scope.budget.step(100_000)?;
    scope.budget.make(2 * text.len())?;
    Ok(scope.budget.scan(text.len().saturating_mul(4 * (1 + blocks)))?)
}

fn prefixed(prefix: &str, fault: Fault) -> Fault {
    match fault {
        Fault::Said(text) => Fault::said([prefix.as_bytes(), text.as_bytes()].concat()),
        limit @ Fault::Limit(_) => limit,
    }
}

fn addresses(scope: &mut Scope<'_>, list: &Value) -> Result<Vec<std::net::IpAddr>, Fault> {
    let mut addresses = Vec::new();
    for item in items(list) {
        scope.budget.step(1)?;
        let Value::Str(text) = item else { return Err(no_string(scope, "error parsing ip: ", item)) };
        let address = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        addresses.push(address.ok_or_else(|| Fault::said([b"error parsing ip: ", text.as_bytes()].concat()))?);
    }
    Ok(addresses)
}

fn host_names<'a>(scope: &mut Scope<'_>, list: &'a Value) -> Result<Vec<&'a [u8]>, Fault> {
    let mut hosts = Vec::new();
    for item in items(list) {
        scope.budget.step(1)?;
        let Value::Str(text) = item else { return Err(no_string(scope, "error processing alternate dns name: ", item)) };
        hosts.push(text.as_bytes());
    }
    Ok(hosts)
}

fn items(list: &Value) -> &[Value] {
    match list {
        Value::List(list) => list.items(),
        _ => &[],
    }
}

fn no_string(scope: &mut Scope<'_>, prefix: &str, item: &Value) -> Fault {
    match format::plain(item, scope.budget) {
        Ok(text) => Fault::said([prefix.as_bytes(), text.as_bytes(), b" is not a string"].concat()),
        Err(limit) => limit.into(),
    }
}
