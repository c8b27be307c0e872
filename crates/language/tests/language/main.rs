//! Reading books: what is right, what is wrong, what it says of states and schemas.

mod baselines;
mod load;
mod robustness;
mod schema;
mod states;
mod yaml_oracle;
