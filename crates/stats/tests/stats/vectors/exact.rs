//! Exact decimal sums, from which centred moments are taken without cancellation.

use std::cmp::Ordering;

/// A decimal number: sign, digits in base 1e9 from the lowest, and how many digits are decimals.
#[derive(Clone, Debug)]
pub struct Decimal {
    negative: bool,
    limbs: Vec<u64>,
    scale: usize,
}

const BASE: u64 = 1_000_000_000;

impl Decimal {
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = format!("{whole}{decimals}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut limbs = Vec::new();
        let mut rest = digits.as_str();
        while !rest.is_empty() {
            let (head, tail) = rest.split_at(rest.len().saturating_sub(9));
            limbs.push(tail.parse().ok()?);
            rest = head;
        }
        Some(Self { negative, limbs, scale: decimals.len() })
    }

    pub fn from_count(n: u64) -> Self {
        Self { negative: false, limbs: vec![n % BASE, n / BASE % BASE, n / BASE / BASE], scale: 0 }
    }

    pub fn times(&self, other: &Self) -> Self {
        let mut limbs = vec![0_u64; self.limbs.len() + other.limbs.len() + 1];
        for (i, a) in self.limbs.iter().enumerate() {
            let mut carry = 0;
            for (j, b) in other.limbs.iter().enumerate() {
                let sum = limbs[i + j] + a * b + carry;
                limbs[i + j] = sum % BASE;
                carry = sum / BASE;
            }
            limbs[i + other.limbs.len()] += carry;
        }
        let negative = self.negative != other.negative;
        Self { negative, limbs, scale: self.scale + other.scale }
    }

    pub fn minus(&self, other: &Self) -> Self {
        let scale = self.scale.max(other.scale);
        let (a, b) = (self.scaled(scale), other.scaled(scale));
        if a.negative != b.negative {
            return Self { negative: a.negative, limbs: sum(&a.limbs, &b.limbs), scale };
        }
        match magnitude(&a.limbs, &b.limbs) {
            Ordering::Less => Self { negative: !a.negative, limbs: rest(&b.limbs, &a.limbs), scale },
            _ => Self { negative: a.negative, limbs: rest(&a.limbs, &b.limbs), scale },
        }
    }

    fn scaled(&self, scale: usize) -> Self {
        let zeros = "0".repeat(scale - self.scale);
        let power = Self::parse(&format!("1{zeros}")).unwrap();
        Self { scale, ..self.times(&power) }
    }

    /// The nearest double.
    pub fn value(&self) -> f64 {
        let digits: String = self.limbs.iter().rev().map(|limb| format!("{limb:09}")).collect();
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{digits}e-{}", self.scale).parse().unwrap()
    }
}

fn limb(limbs: &[u64], position: usize) -> u64 {
    limbs.get(position).copied().unwrap_or(0)
}

fn magnitude(a: &[u64], b: &[u64]) -> Ordering {
    let highest = a.len().max(b.len());
    let different = (0..highest).rev().map(|i| limb(a, i).cmp(&limb(b, i)));
    different.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn sum(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut carry = 0;
    let length = a.len().max(b.len()) + 1;
    (0..length)
        .map(|i| {
            let total = limb(a, i) + limb(b, i) + carry;
            carry = total / BASE;
            total % BASE
        })
        .collect()
}

/// a − b for a >= b.
fn rest(a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut borrow = 0;
    (0..a.len().max(b.len()))
        .map(|i| {
            let total = BASE + limb(a, i) - limb(b, i) - borrow;
            borrow = u64::from(total < BASE);
            total % BASE
        })
        .collect()
}

/// Σ(a − ā)(b − b̄) from exact plain sums.
pub fn co_moment(n: u64, product: &Decimal, sum_a: &Decimal, sum_b: &Decimal) -> f64 {
    let times_n = product.times(&Decimal::from_count(n)).minus(&sum_a.times(sum_b));
    times_n.value() / n as f64
}
